"""The boards: what is asked, and in which words. How a panel looks is in panels.py."""
from .panels import board, choice, graph, number, query, states, table

GATEWAY = 'job="gateway"'
RATE = "[$__rate_interval]"
ENDED = "Answers by class of their status. none: the client got no status, mostly because it left."


def rate(series, by, labels="", job=GATEWAY):
    """Per second, summed over what `by` does not name."""
    selector = ", ".join(part for part in (job, labels) if part)
    return f"sum by ({by}) (rate({series}{{{selector}}}{RATE}))"


def quantile(share, series, by, labels=""):
    return f"histogram_quantile({share}, {rate(series + '_bucket', by + ', le', labels)})"


def quantiles(series, by, labels=""):
    legend = f"{{{{{by}}}}} " if by else ""
    return [query(quantile(share, series, by or "job", labels), f"{legend}{word}")
            for share, word in ((0.5, "p50"), (0.9, "p90"), (0.99, "p99"))]


def overview():
    total = rate("gateway_requests_total", "job")
    errors = rate("gateway_requests_total", "job", 'class="5xx"')
    return board("overview", "Gateway: overview", "Is it up, is it right, is it quick: for whoever is on call.", [
        ("Now", [
            number("Gateways", "short", f"count(up{{{GATEWAY}}} == 1) or vector(0)",
                   "Replicas that answer their scrapes.", ((None, "red"), (1, "green"))),
            number("Requests", "reqps", f"{total}"),
            number("Errors", "percentunit", f"{errors} / ({total} > 0) or on () vector(0)", "Share of answers that are 5xx.",
                   ((None, "green"), (0.001, "orange"), (0.01, "red"))),
            number("p99", "s", quantile(0.99, "gateway_request_duration_seconds", "job"),
                   "From the complete request head to the end of the answer.",
                   ((None, "green"), (0.5, "orange"), (2, "red"))),
            number("Endpoints out", "short",
                   f"sum(1 - (gateway_endpoint_healthy{{{GATEWAY}}} * (1 - gateway_endpoint_ejected{{{GATEWAY}}})))",
                   "Endpoints that are unhealthy or ejected, counted once per replica that sees them so.",
                   ((None, "green"), (1, "orange"))),
            number("Alerts", "short", 'count(ALERTS{alertstate="firing"}) or vector(0)', "Alerts that fire.",
                   ((None, "green"), (1, "red"))),
        ]),
        ("Traffic", [
            graph("Requests by route", "reqps", query(rate("gateway_requests_total", "route"), "{{route}}"),
                  stacked=True),
            graph("Requests by class", "reqps", query(rate("gateway_requests_total", "class"), "{{class}}"),
                  text=ENDED, stacked=True),
            graph("Time to answer", "s", *quantiles("gateway_request_duration_seconds", "")),
            graph("In flight", "short", query(f"sum by (instance) (gateway_requests_in_flight{{{GATEWAY}}})",
                                              "{{instance}}"), stacked=True),
            graph("Bodies", "Bps", query(rate("gateway_request_body_bytes_total", "job"), "received"),
                  query(rate("gateway_response_body_bytes_total", "job"), "sent")),
            graph("Answers of the gateway itself", "reqps",
                  query(rate("gateway_local_replies_total", "reason"), "{{reason}}"),
                  text="Made because of an error. A reason appears when it first occurs."),
        ]),
        ("Error budget: 99.9 % without 5xx, 99 % within half a second", [
            graph("Burn rate of errors", "short",
                  *[query(f"route:gateway_errors:ratio_rate{window} / 0.001", f"{{{{route}}}} {window}")
                    for window in ("5m", "1h", "6h")], width=12,
                  text="1 spends exactly the budget of 30 days in 30 days; from 14.4 on somebody is paged."),
            graph("Burn rate of slow answers", "short",
                  *[query(f"route:gateway_slow:ratio_rate{window} / 0.01", f"{{{{route}}}} {window}")
                    for window in ("5m", "1h", "6h")], width=12),
        ]),
        ("Processes", [
            graph("Processors", "none", query(f"rate(process_cpu_seconds_total{{{GATEWAY}}}{RATE})", "{{instance}}"),
                  text="Processors that are busy."),
            graph("Memory", "bytes", query(f"process_resident_memory_bytes{{{GATEWAY}}}", "{{instance}}")),
            graph("Descriptors", "percentunit",
                  query(f"process_open_fds{{{GATEWAY}}} / process_max_fds{{{GATEWAY}}}", "{{instance}}"),
                  text="Open ones, as a share of those that may be open.", limits=(0, 1)),
            states("Newest configuration", "{{instance}}", f"gateway_config_refused{{{GATEWAY}}}",
                   "Refused: the one before it is in use.", ((0, "in use", "green"), (1, "refused", "red"))),
            graph("Configurations read", "short",
                  query(f"increase(gateway_reloads_total{{{GATEWAY}}}{RATE})", "{{instance}} {{result}}"), width=6),
            graph("Access log", "short", query(rate("gateway_access_log_lines_total", "job"), "lines"),
                  query(rate("gateway_access_log_lines_dropped_total", "job"), "lost"), width=6),
            table("What runs", "short", "replicas", f"count by (version, commit) (gateway_build_info{{{GATEWAY}}})",
                  "More than one line: a change of version is under way.", width=24),
        ]),
    ])


def route():
    one = 'route=~"$route"'
    return board("route", "Gateway: route", "One route, or some of them.", [
        ("Requests", [
            graph("Requests by class", "reqps",
                  query(rate("gateway_requests_total", "route, class", one), "{{route}} {{class}}"),
                  text=ENDED, stacked=True, width=12),
            graph("Time to answer", "s", *quantiles("gateway_request_duration_seconds", "route", one), width=12),
            graph("Errors", "percentunit",
                  query(f"{rate('gateway_requests_total', 'route', one + ', class=' + chr(34) + '5xx' + chr(34))}"
                        f" / ({rate('gateway_requests_total', 'route', one)} > 0)", "{{route}}"),
                  text="Share of answers that are 5xx.", limits=(0, 1)),
            graph("In flight", "short",
                  query(f"sum by (route) (gateway_requests_in_flight{{{GATEWAY}, {one}}})", "{{route}}")),
            graph("Attempts after the first", "reqps", query(rate("gateway_retries_total", "route", one), "{{route}}")),
        ]),
        ("Meant for the upstream", [
            graph("Rate that autoscaling reads", "reqps",
                  query(f"sum by (route) (gateway_requests_per_second{{{GATEWAY}, {one}}})", "{{route}}"), width=12,
                  text="Arrivals that passed the filters: no 401, 403, 413, 429, redirects or retries."),
            graph("By replica", "reqps",
                  query(f"gateway_requests_per_second{{{GATEWAY}, {one}}}", "{{route}} {{instance}}"), width=12,
                  text="Each replica's own share."),
        ]),
        ("Bodies and objective", [
            graph("Request bodies", "Bps", query(rate("gateway_request_body_bytes_total", "route", one), "{{route}}")),
            graph("Response bodies", "Bps", query(rate("gateway_response_body_bytes_total", "route", one), "{{route}}")),
            table("Error budget that is left", "percentunit", "left",
                  f"1 - route:gateway_errors:ratio_rate3d{{{one}}} / 0.001",
                  "Of 99.9 %, had the last three days been the whole period. Below nought it is spent."),
        ]),
    ], [choice("route", "Route", f"gateway_requests_total{{{GATEWAY}}}")])


def upstream():
    one = 'upstream=~"$upstream"'
    both = "{{upstream}} {{endpoint}}"
    return board("upstream", "Gateway: upstream", "What is behind the gateway, and how it takes it.", [
        ("Calls", [
            graph("Calls by class", "reqps",
                  query(rate("gateway_upstream_requests_total", "upstream, class", one), "{{upstream}} {{class}}"),
                  text="none: there was no answer.", stacked=True),
            graph("Time of a call", "s", *quantiles("gateway_upstream_request_duration_seconds", "upstream", one),
                  text="All attempts included."),
            graph("Calls now", "short",
                  query(f"sum by (upstream) (gateway_upstream_requests_in_flight{{{GATEWAY}, {one}}})",
                        "{{upstream}} in flight"),
                  query(f"sum by (upstream) (gateway_upstream_requests_waiting{{{GATEWAY}, {one}}})",
                        "{{upstream}} waiting"),
                  text="Waiting: for a connection or a request slot."),
            graph("Retries", "reqps", query(rate("gateway_upstream_retries_total", "upstream", one), "{{upstream}} made"),
                  query(rate("gateway_upstream_retries_refused_total", "upstream", one), "{{upstream}} refused"),
                  text="Refused: the budget was spent."),
            graph("Calls that were not made", "reqps",
                  query(rate("gateway_upstream_no_endpoint_total", "upstream", one), "{{upstream}} no endpoint"),
                  query(rate("gateway_upstream_overflows_total", "upstream", one), "{{upstream}} over a limit")),
            graph("Bodies", "Bps", query(rate("gateway_upstream_sent_bytes_total", "upstream", one), "{{upstream}} sent"),
                  query(rate("gateway_upstream_received_bytes_total", "upstream", one), "{{upstream}} received")),
        ]),
        ("Endpoints", [
            states("May be asked", both,
                   f"min by (upstream, endpoint) (gateway_endpoint_healthy{{{GATEWAY}, {one}}}"
                   f" * (1 - gateway_endpoint_ejected{{{GATEWAY}, {one}}}))",
                   "Healthy and not ejected, in the eyes of every replica.", width=24),
            graph("Attempts", "reqps", query(rate("gateway_endpoint_requests_total", "upstream, endpoint", one), both)),
            graph("Attempts that failed", "reqps",
                  query(rate("gateway_endpoint_requests_total", "upstream, endpoint", one + ', class=~"5xx|none"'), both),
                  query(rate("gateway_endpoint_connect_failures_total", "upstream, endpoint", one), both + " no connection")),
            graph("Time to the head of the answer, p99", "s",
                  query(quantile(0.99, "gateway_endpoint_request_duration_seconds", "upstream, endpoint", one), both)),
            graph("In flight", "short",
                  query(f"sum by (upstream, endpoint) (gateway_endpoint_requests_in_flight{{{GATEWAY}, {one}}})", both)),
            graph("Ejections", "short",
                  query("sum by (upstream, endpoint) (increase(gateway_endpoint_ejections_total"
                        f"{{{GATEWAY}, {one}}}{RATE}))", both),
                  text="Times that passive health took an endpoint out."),
        ]),
        ("Connections", [
            graph("Open", "short", query(f"sum by (upstream, state) (gateway_upstream_connections{{{GATEWAY}, {one}}})",
                                         "{{upstream}} {{state}}"), stacked=True),
            graph("Made", "cps", query(rate("gateway_upstream_connects_total", "upstream", one), "{{upstream}}"),
                  query(rate("gateway_upstream_connect_failures_total", "upstream", one), "{{upstream}} failed"),
                  query(rate("gateway_upstream_tls_handshakes_total", "upstream", one), "{{upstream}} with TLS")),
            graph("Attempts on a connection that was open", "percentunit",
                  query(f"{rate('gateway_upstream_connection_reuses_total', 'upstream', one)} / "
                        f"({rate('gateway_endpoint_requests_total', 'upstream', one)} > 0)", "{{upstream}}"),
                  limits=(0, 1)),
        ]),
    ], [choice("upstream", "Upstream", f"gateway_upstream_requests_total{{{GATEWAY}}}")])


def tls():
    one = 'listener=~"$listener"'
    handshakes = "gateway_listener_tls_handshakes_total"
    ends = f"min by (use, owner, name, key) (gateway_certificate_expiry_seconds{{{GATEWAY}}}) - time()"
    return board("tls", "Gateway: TLS", "Certificates in use, handshakes, connections.", [
        ("Certificates", [
            number("First to end", "s", f"min({ends})", "Time that the certificate with the least of it has left.",
                   ((None, "red"), (2 * 86400, "orange"), (14 * 86400, "green"))),
            number("Reachable from outside", "percentunit", 'avg(probe_success{job="gateway-tls"})', "",
                   ((None, "red"), (1, "green"))),
            table("Time left", "s", "left", ends, "Shown to clients (listener), to upstreams and to peers (cluster).",
                  width=8),
            table("Version that a probe got", "short", "yes",
                  'probe_tls_version_info{job="gateway-tls"}', width=8),
        ]),
        ("Handshakes", [
            graph("Complete, by version", "cps", query(rate(handshakes, "version", one), "{{version}}"), stacked=True),
            graph("Resumed", "percentunit",
                  query(f"{rate(handshakes, 'listener', one + ', resumed=' + chr(34) + 'true' + chr(34))}"
                        f" / ({rate(handshakes, 'listener', one)} > 0)", "{{listener}}"),
                  text="Share of handshakes that took up an earlier session: those cost a tenth.", limits=(0, 1)),
            graph("Failed", "cps",
                  query(rate("gateway_listener_tls_handshake_failures_total", "listener", one), "{{listener}}")),
        ]),
        ("Connections", [
            graph("Open", "short", query(f"sum by (listener) (gateway_listener_connections{{{GATEWAY}, {one}}})",
                                         "{{listener}}")),
            graph("Accepted", "cps",
                  query(rate("gateway_listener_connections_accepted_total", "listener", one), "{{listener}}")),
            graph("Refused", "cps",
                  query(rate("gateway_listener_connections_refused_total", "listener", one), "{{listener}}"),
                  text="By a limit, or for want of a descriptor."),
        ]),
        ("Seen from outside", [
            graph("Phases of a request", "s",
                  query('sum by (instance, phase) (probe_http_duration_seconds{job="gateway-tls"})',
                        "{{instance}} {{phase}}"), stacked=True, width=24),
        ]),
    ], [choice("listener", "Listener", f"gateway_listener_connections{{{GATEWAY}}}")])


def autoscaling():
    hpa = 'namespace="$namespace", horizontalpodautoscaler="$autoscaler"'
    metric = f'{hpa}, metric_name="gateway_requests_per_second"'
    read = 'sum(gateway_requests_per_second{job="gateway", route=~"$route"})'
    target = f"sum(kube_horizontalpodautoscaler_spec_target_metric{{{metric}}})"
    current = f"sum(kube_horizontalpodautoscaler_status_current_replicas{{{hpa}}})"
    desired = f"sum(kube_horizontalpodautoscaler_status_desired_replicas{{{hpa}}})"
    lowest = f"sum(kube_horizontalpodautoscaler_spec_min_replicas{{{hpa}}})"
    highest = f"sum(kube_horizontalpodautoscaler_spec_max_replicas{{{hpa}}})"
    asked = f"clamp(ceil({read} / {target}), scalar({lowest}), scalar({highest}))"
    return board("autoscaling", "Gateway: autoscaling",
                 "From the requests to the replicas that they ask for, and how far behind these are.", [
        ("Now", [
            number("Rate", "reqps", read, "What the autoscaler reads: the sum over all gateways."),
            number("Target of a replica", "reqps", target),
            number("Replicas", "short", current),
            number("Replicas that the rate asks for", "short", asked, "Rate by target, rounded up, within the bounds."),
            number("Replicas behind", "short", f"{asked} - {current}",
                   "More than nought: the service gets more than its target.", ((None, "green"), (1, "orange"))),
            number("Autoscaler sees", "short",
                   'min(kube_horizontalpodautoscaler_status_condition{condition="ScalingActive", status="true", '
                   f"{hpa}}})", "1: it can read its metrics. 0: it keeps the replicas as they are.",
                   ((None, "red"), (1, "green"))),
        ]),
        ("Requests", [
            graph("Rate and what the replicas are meant to take", "reqps", query(read, "rate"),
                  query(f"{target} * {current}", "target of all replicas"), width=12),
            graph("A replica's share", "reqps", query(f"{read} / {current}", "of the rate now"),
                  query(f"sum(kube_horizontalpodautoscaler_status_target_metric{{{metric}}})", "that the autoscaler saw"),
                  query(target, "target"), width=12,
                  text="The autoscaler looks every 15 s; its number is that old."),
        ]),
        ("Replicas", [
            graph("Replicas", "short", query(asked, "asked for by the rate"), query(desired, "wanted by the autoscaler"),
                  query(current, "there"), query(lowest, "minimum"), query(highest, "maximum"), width=12),
            graph("Lag", "short", query(f"clamp_min({asked} - {current}, 0)", "replicas that are missing"),
                  query(f"avg_over_time(({asked} > bool {current})[30m:15s])", "share of the last half hour behind"),
                  width=12),
        ]),
        ("Where the rate comes from", [
            graph("By gateway", "reqps",
                  query('sum by (instance) (gateway_requests_per_second{job="gateway", route=~"$route"})', "{{instance}}"),
                  stacked=True, width=12),
            states("Can it scale", "{{horizontalpodautoscaler}} {{condition}}",
                   'kube_horizontalpodautoscaler_status_condition{status="true", condition=~"AbleToScale|ScalingActive", '
                   f"{hpa}}}"),
            graph("Peers by what is known of them", "short",
                  query(f"sum by (instance, state) (gateway_cluster_peers{{{GATEWAY}}})", "{{instance}} {{state}}"),
                  text="fresh: heard within 3 s. Others than fresh make a sum older than it looks.", width=12),
            states("Sums are answered", "{{instance}}", f"gateway_cluster_sums_known{{{GATEWAY}}}"),
        ]),
    ], [
        choice("namespace", "Namespace", "kube_horizontalpodautoscaler_spec_target_metric", False),
        choice("autoscaler", "Autoscaler", 'kube_horizontalpodautoscaler_spec_target_metric{namespace="$namespace"}',
               False, "horizontalpodautoscaler"),
        choice("route", "Route", f"gateway_requests_per_second{{{GATEWAY}}}"),
    ])


def apps():
    job = 'job=~"app-a|app-b"'
    return board("apps", "Gateway: sample apps", "The jobs service behind the gateway, and who checks its tokens.", [
        ("Replicas", [
            states("App A answers its scrapes", "{{instance}}", 'up{job="app-a"}'),
            states("App B answers its scrapes", "{{instance}}", 'up{job="app-b"}'),
            graph("Requests", "reqps", query(rate("gateway_requests_total", "job, class", job=job), "{{job}} {{class}}"),
                  stacked=True),
            graph("Processors", "none", query(f"rate(process_cpu_seconds_total{{{job}}}{RATE})", "{{job}} {{instance}}")),
            graph("Memory", "bytes", query(f"process_resident_memory_bytes{{{job}}}", "{{job}} {{instance}}")),
        ]),
        ("As the gateway sees them", [
            graph("Time to the head of the answer, p99", "s",
                  query(quantile(0.99, "gateway_endpoint_request_duration_seconds", "upstream, endpoint"),
                        "{{upstream}} {{endpoint}}"), width=12),
            graph("Attempts by class", "reqps",
                  query(rate("gateway_endpoint_requests_total", "upstream, class"), "{{upstream}} {{class}}"), width=12),
        ]),
        ("Tokens", [
            graph("Verdicts", "reqps", query(rate("gateway_token_verdicts_total", "verdict"), "{{verdict}}"),
                  text="none: the request got 503.", stacked=True),
            graph("Where verdicts come from", "reqps",
                  query(rate("gateway_token_cache_hits_total", "job"), "kept"),
                  query(rate("gateway_token_stale_hits_total", "job"), "kept, past their time"),
                  query(rate("gateway_token_lookups_total", "job"), "looked up"),
                  query(rate("gateway_token_lookups_joined_total", "job"), "waited for another one's look-up")),
            graph("Verdicts kept", "short", query(f"sum by (instance) (gateway_token_cache_entries{{{GATEWAY}}})",
                                                  "{{instance}}"),
                  query(f"sum by (instance) (gateway_token_lookups_in_flight{{{GATEWAY}}})", "{{instance}} look-ups now")),
            graph("Forgotten before their time", "ops", query(rate("gateway_token_cache_evictions_total", "job"), "evicted")),
        ]),
    ])


BOARDS = {each.__name__: each for each in (overview, route, upstream, tls, autoscaling, apps)}
