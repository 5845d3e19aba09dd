'use strict';
// Totals come from /stats once a second; what is shown is the difference between the last answer and one
// some seconds before it. Texts of others only ever become text nodes.
const kept = [];            // answers, oldest first
const KEPT = 180, SPAN = 5; // answers; seconds that numbers are averaged over
let bounds = [];

const $ = id => document.getElementById(id);
const SVG = 'http://www.w3.org/2000/svg';

function add(node, attributes, children) {
  for (const [key, value] of Object.entries(attributes || {})) {
    if (key === 'width%') node.style.width = value + '%';
    else if (value !== undefined) node.setAttribute(key, value);
  }
  node.append(...children);
  return node;
}
const el = (tag, attributes, ...children) => add(document.createElement(tag), attributes, children);
const svg = (tag, attributes, ...children) => add(document.createElementNS(SVG, tag), attributes, children);

// ---- numbers as people read them
function number(value) {
  if (value >= 1e6) return (value / 1e6).toFixed(value >= 1e7 ? 1 : 2) + 'M';
  if (value >= 1e4) return (value / 1e3).toFixed(1) + 'k';
  if (value >= 100 || Number.isInteger(value)) return Math.round(value).toString();
  return value.toFixed(value >= 10 ? 1 : 2);
}
function bytes(value) {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let unit = 0;
  for (; value >= 1024 && unit < 4; ++unit) value /= 1024;
  return (value >= 100 || unit === 0 ? value.toFixed(0) : value.toFixed(1)) + ' ' + units[unit];
}
function latency(ms) {
  if (ms === null) return '–';
  if (ms < .9995) return Math.round(ms * 1000) + ' µs';
  if (ms < 1000) return (ms < 10 ? +ms.toFixed(1) : Math.round(ms)) + ' ms';
  return +(ms / 1000).toFixed(1) + ' s';
}
function ago(seconds) {
  if (seconds < 60) return Math.floor(seconds) + ' s';
  if (seconds < 3600) return Math.floor(seconds / 60) + ' min';
  if (seconds < 86400) return Math.floor(seconds / 3600) + ' h ' + Math.floor(seconds % 3600 / 60) + ' min';
  return Math.floor(seconds / 86400) + ' d ' + Math.floor(seconds % 86400 / 3600) + ' h';
}

// ---- differences
const sum = list => list.reduce((total, each) => total + each, 0);
const minus = (now, then) => now.map((value, i) => Math.max(0, value - (then ? then[i] : 0)));
function quantile(buckets, share) {
  const wanted = sum(buckets) * share;
  if (wanted === 0) return null;
  let seen = 0;
  for (let i = 0; i < buckets.length; ++i) {
    if (seen + buckets[i] >= wanted) {
      const low = i ? bounds[i - 1] : 0;
      return bounds[i] === null ? low : low + (bounds[i] - low) * (wanted - seen) / buckets[i];
    }
    seen += buckets[i];
  }
  return bounds[bounds.length - 2];
}
function before(index) {
  let i = index;
  while (i > 0 && kept[index].monotonic - kept[i].monotonic < SPAN) --i;
  return kept[i];
}
// What changed in an object of totals, per second where that makes sense.
function change(now, then, seconds) {
  const responses = minus(now.responses || [0], then && then.responses);
  const buckets = minus(now.latency || [0], then && then.latency);
  return {responses, answers: seconds > 0 ? sum(responses) / seconds : 0,
    p50: quantile(buckets, .5), p90: quantile(buckets, .9), p99: quantile(buckets, .99)};
}
const named = (list, key, value) => (list || []).find(each => each[key] === value);

// ---- drawings
const path = (values, width, height, most) => values.map((value, i) =>
  (i ? 'L' : 'M') + (i * width / Math.max(1, values.length - 1)).toFixed(1) + ' ' +
  (height - value / most * height).toFixed(1)).join('');
function spark(values) {
  const most = Math.max(1, ...values), line = path(values, 100, 22, most);
  return svg('svg', {class: 'spark', viewBox: '0 -1 100 24', preserveAspectRatio: 'none', 'aria-hidden': true},
    svg('path', {class: 'area', d: line + 'L100 22L0 22Z'}), svg('path', {class: 'curve', d: line}));
}
function bar(parts) {
  const total = sum(parts.map(part => part[1]));
  return el('div', {class: 'bar', title: parts.filter(part => part[1]).map(part => part[2] || '').join('  ')},
    ...parts.filter(part => part[1] > 0).map(part => el('i', {class: part[0], 'width%': 100 * part[1] / total})));
}
const classes = responses => bar(['none', '1xx', '2xx', '3xx', '4xx', '5xx']
  .map((name, i) => ['c' + i, responses[i] || 0, name + ' ' + (responses[i] || 0)]));

// A line chart with a pointer. `curves`: [class, shares of the height]; `marks`: [share, text].
const charts = {};
function chart(id, label, curves, marks, tip) {
  charts[id] = {length: curves[0][1].length, tip};
  const box = $(id), hovered = box.querySelector('.tip');
  const drawing = svg('svg', {viewBox: '0 0 600 150', preserveAspectRatio: 'none', role: 'img', 'aria-label': label});
  const texts = [];
  for (const [share, text] of marks) {
    const y = 150 - share * 140;
    drawing.append(svg('line', {class: 'grid', x1: 0, x2: 600, y1: y, y2: y}));
    if (!text) continue;
    const mark = el('span', {class: 'mark'}, text);
    mark.style.top = y / 1.5 + '%';
    texts.push(mark);
  }
  for (const [name, shares] of curves) {
    const line = path(shares, 600, 140, 1);
    const group = svg('g', {transform: 'translate(0 10)'});
    if (curves.length === 1) group.append(svg('path', {class: 'area', d: line + 'L600 140L0 140Z'}));
    group.append(svg('path', {class: 'curve ' + name, d: line}));
    drawing.append(group);
  }
  box.replaceChildren(drawing, ...texts);
  if (hovered) point(box, +box.dataset.at);
}
function point(box, share) {
  const {length, tip} = charts[box.id] || {};
  box.querySelectorAll('.tip, .cross').forEach(node => node.remove());
  if (!length) return;
  const index = Math.min(length - 1, Math.max(0, Math.round(share * (length - 1))));
  const x = length > 1 ? index / (length - 1) : 0;
  box.dataset.at = share;
  box.firstChild.append(svg('line', {class: 'cross', x1: x * 600, x2: x * 600, y1: 10, y2: 150}));
  const text = el('span', {class: 'tip'}, tip(index));
  text.style.left = Math.min(84, Math.max(16, x * 100)) + '%';
  box.append(text);
}
for (const id of ['rate-chart', 'latency-chart']) {
  $(id).addEventListener('pointermove', event => {
    const place = $(id).getBoundingClientRect();
    point($(id), (event.clientX - place.left) / place.width);
  });
  $(id).addEventListener('pointerleave', () => $(id).querySelectorAll('.tip, .cross').forEach(node => node.remove()));
}
function nice(value) {
  const step = Math.pow(10, Math.floor(Math.log10(Math.max(value, 1e-3))));
  return [1, 2, 4, 6, 8, 10].map(each => each * step).find(each => each >= value) || 10 * step;
}

// ---- parts of the page
function tile(name, value, unit, note) {
  return el('div', {class: 'card tile'}, el('span', {}, name), el('b', {}, value, unit ? el('i', {}, unit) : ''),
    el('span', {}, note || '\u00a0'));
}
function showFacts(now, then, seconds) {
  const state = $('state');
  state.textContent = now.state;
  state.className = 'pill ' + (now.ready ? 'good' : 'warn');
  const cpu = seconds > 0 ? (now.process.cpu_seconds - then.process.cpu_seconds) / seconds * 100 : 0;
  const facts = {version: now.version, configuration: '#' + now.generation, up: ago(now.uptime),
    workers: now.workers, CPU: cpu.toFixed(0) + ' %', memory: bytes(now.process.resident_bytes)};
  $('facts').replaceChildren(...Object.entries(facts).map(([name, value]) =>
    el('div', {}, el('dt', {}, name), el('dd', {}, String(value)))));
  document.title = number(now.totals.rate) + '/s · Gateway';
}
function showTiles(now, then, seconds) {
  const recent = change(now.totals, then.totals, seconds);
  const answered = sum(recent.responses), failed = recent.responses[0] + recent.responses[5];
  const refused = recent.responses[4] || 0, percent = part => answered ? (100 * part / answered) : 0;
  const open = sum(now.listeners.map(each => each.active));
  const endpoints = now.upstreams.flatMap(each => each.endpoints);
  const well = endpoints.filter(each => each.healthy && !each.ejected).length;
  $('tiles').replaceChildren(
    tile('Answers', number(recent.answers), '/s', number(now.totals.rate) + '/s to upstreams'),
    tile('Median', latency(recent.p50), '', 'half were quicker'),
    tile('p99', latency(recent.p99), '', 'p90 ' + latency(recent.p90)),
    tile('Errors', percent(failed).toFixed(failed && percent(failed) < 10 ? 2 : 0), '%', percent(refused).toFixed(1) + ' % refused (4xx)'),
    tile('In flight', number(now.totals.in_flight), '', open + (open === 1 ? ' connection' : ' connections')),
    tile('Endpoints', well + '/' + endpoints.length, '', well === endpoints.length ? 'all well' : (endpoints.length - well) + ' out'));
}
function showCharts(now) {
  const history = [...now.totals.history].reverse();
  const most = nice(Math.max(4, ...history));
  chart('rate-chart', 'Requests per second', [['', history.map(value => value / most)]],
    [[0], [.5, number(most / 2)], [1, number(most)]], i => number(history[i]) + '/s, ' + (60 - i) + ' s ago');

  // By decades: the median and the slowest hundredth are often a hundred times apart.
  const points = kept.map((answer, i) => change(answer.totals, before(i).totals, 1)).slice(1);
  const slowest = Math.max(1, ...points.map(each => each.p99 || 0));
  const decades = Math.ceil(Math.log10(slowest / .01));
  const height = ms => ms ? Math.max(0, Math.log10(ms / .01) / decades) : 0;
  const marks = [[0]];
  for (let decade = 1; decade <= decades; ++decade) marks.push([decade / decades, latency(.01 * 10 ** decade)]);
  chart('latency-chart', 'Latency', ['p50', 'p90', 'p99'].map(name => [name, points.map(each => height(each[name]))]), marks,
    i => 'p50 ' + latency(points[i].p50) + ' · p90 ' + latency(points[i].p90) + ' · p99 ' + latency(points[i].p99));
  if (!$('latency-legend').childNodes.length)
    $('latency-legend').append(...['p50', 'p90', 'p99'].map(name => el('span', {class: 'key ' + name}, name)));
}
function showRoutes(now, then, seconds) {
  $('route-note').textContent = now.route_count > now.routes.length
    ? 'the ' + now.routes.length + ' busiest of ' + now.route_count : '';
  document.querySelector('#routes tbody').replaceChildren(...now.routes.map(route => {
    const recent = change(route, named(then.routes, 'name', route.name), seconds);
    return el('tr', {}, el('td', {class: 'name cut', title: route.name}, route.name),
      el('td', {class: 'number rate'}, el('b', {}, number(route.rate)), ' /s', el('small', {}, route.window + ' s')),
      el('td', {}, spark([...route.history].reverse())), el('td', {class: 'number'}, number(recent.answers)),
      el('td', {}, classes(recent.responses)), el('td', {class: 'number'}, latency(recent.p50)),
      el('td', {class: 'number'}, latency(recent.p99)), el('td', {class: 'number'}, number(route.in_flight)));
  }));
}
function endpointBox(endpoint, then, total, seconds) {
  const recent = change(endpoint, then, seconds);
  const [kind, word] = !endpoint.healthy ? ['bad', 'unhealthy'] : endpoint.ejected ? ['warn', 'ejected']
    : !endpoint.accepting ? ['bad', 'refuses connections'] : ['', 'healthy'];
  const share = total > 0 ? 100 * sum(recent.responses) / total : 0;
  return el('div', {class: 'endpoint ' + kind, title: 'weight ' + endpoint.weight + ', ejected ' + endpoint.ejections + ' times'},
    el('p', {}, el('span', {class: 'mono'}, endpoint.address), el('span', {class: 'state'}, word)),
    el('div', {class: 'bar'}, el('i', {'width%': share})),
    el('p', {class: 'quiet'}, el('span', {}, number(recent.answers) + '/s'), el('span', {}, 'p50 ' + latency(recent.p50)),
      el('span', {}, 'p99 ' + latency(recent.p99)), el('span', {}, endpoint.in_flight + ' open')));
}
function showUpstreams(now, then, seconds) {
  $('upstream-note').textContent = now.upstream_count > now.upstreams.length
    ? 'the ' + now.upstreams.length + ' busiest of ' + now.upstream_count : '';
  $('upstreams').replaceChildren(...now.upstreams.map(upstream => {
    const old = named(then.upstreams, 'name', upstream.name) || {};
    const olds = upstream.endpoints.map(each => named(old.endpoints, 'address', each.address));
    const total = sum(upstream.endpoints.map((each, i) => sum(change(each, olds[i], 1).responses)));
    const recent = change(upstream, old, seconds);
    const facts = [number(recent.answers) + '/s', upstream.in_flight + ' in flight', upstream.waiting + ' waiting',
      (upstream.connections - upstream.idle) + ' busy and ' + upstream.idle + ' idle connections',
      upstream.retries + ' retries', upstream.overflows + ' overflows'];
    return el('div', {class: 'upstream'}, el('p', {}, el('span', {class: 'name'}, upstream.name),
      ...facts.map(fact => el('span', {class: 'quiet'}, fact))),
      el('div', {class: 'endpoints'}, ...upstream.endpoints.map((each, i) => endpointBox(each, olds[i], total, seconds))));
  }));
}
function showListeners(now) {
  const lines = now.listeners.map(each => el('div', {class: 'listener'}, el('span', {class: 'name'}, each.name),
    ...[each.active + ' open', number(each.accepted) + ' accepted', number(each.refused) + ' refused',
      number(each.tls12 + each.tls13) + ' TLS handshakes', number(each.resumed) + ' resumed', number(each.failed) + ' failed']
      .map(text => el('span', {class: 'quiet'}, text))));
  for (const each of now.tokens) {
    lines.push(el('div', {class: 'listener'}, el('span', {class: 'name'}, 'tokens by ' + each.name),
      bar([['c2', each.allow, 'allowed ' + each.allow], ['c4', each.deny, 'denied ' + each.deny], ['c5', each.none, 'no verdict ' + each.none]]),
      ...[number(each.allow) + ' allowed', number(each.deny) + ' denied', number(each.none) + ' without verdict',
        number(each.cache_hits) + ' from cache', each.entries + ' kept'].map(text => el('span', {class: 'quiet'}, text))));
  }
  $('listeners').replaceChildren(...lines);
  const replies = Object.entries(now.process.local_replies).sort((a, b) => b[1] - a[1]).slice(0, 8);
  const most = Math.max(1, ...replies.map(each => each[1]));
  $('replies').replaceChildren(...(replies.length ? replies.map(([reason, count]) => el('div', {class: 'reply'},
    el('span', {}, reason.replaceAll('_', ' ')), el('div', {class: 'bar'}, el('i', {'width%': 100 * count / most})),
    el('span', {class: 'number'}, number(count)))) : [el('p', {class: 'quiet'}, 'None.')]));
}
function showErrors(now) {
  $('no-errors').hidden = now.errors.length > 0;
  document.querySelector('#errors').hidden = now.errors.length === 0;
  document.querySelector('#errors tbody').replaceChildren(...now.errors.map(error => el('tr', {},
    el('td', {title: new Date(error.time).toISOString()}, ago((now.time - error.time) / 1000) + ' ago'),
    el('td', {}, el('span', {class: 'badge'}, (error.status || 'none') + ' ' + error.reason.replaceAll('_', ' '))),
    el('td', {class: 'mono cut', title: error.path}, error.method + ' ' + error.path), el('td', {}, error.route || '–'),
    el('td', {class: 'mono'}, error.endpoint || '–'), el('td', {class: 'number'}, latency(error.took_us / 1000)),
    el('td', {class: 'mono cut', title: error.request_id}, error.request_id))));
}

// ---- asking
function show() {
  const now = kept[kept.length - 1], then = before(kept.length - 1);
  const seconds = now.monotonic - then.monotonic;
  for (const part of [showFacts, showTiles, showCharts, showRoutes, showUpstreams, showListeners, showErrors]) part(now, then, seconds);
  document.body.dataset.answers = kept.length;
}
async function ask() {
  try {
    const response = await fetch('/stats', {cache: 'no-store'});
    if (!response.ok) throw new Error(response.status);
    const answer = await response.json();
    const last = kept[kept.length - 1];
    // A restarted process begins its totals anew.
    if (last && answer.process.started_at !== last.process.started_at) kept.length = 0;
    bounds = answer.bounds_ms;
    kept.push(answer);
    if (kept.length > KEPT) kept.shift();
    document.body.classList.remove('stale');
    show();
  } catch (error) {
    document.body.classList.add('stale');
    $('state').textContent = 'unreachable';
    $('state').className = 'pill bad';
  }
}
async function act(path, question) {
  if (question && !confirm(question)) return;
  $('outcome').textContent = '…';
  try {
    const response = await fetch(path, {method: 'POST', headers: {authorization: 'Bearer ' + $('token').value, accept: 'application/json'}});
    const answer = await response.json();
    $('outcome').textContent = response.ok
      ? (answer.generation ? 'Configuration #' + answer.generation + ' is in use.' : 'Draining.') : answer.message;
  } catch (error) {
    $('outcome').textContent = 'No answer.';
  }
}
$('reload').addEventListener('click', () => act('/reload'));
$('drain').addEventListener('click', () => act('/drain', 'Stop taking new connections and end this process when the last one is done?'));
$('actions').addEventListener('submit', event => event.preventDefault());
ask();
setInterval(() => { if (!document.hidden) ask(); }, 1000);
