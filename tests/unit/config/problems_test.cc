#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include "gateway/config/loader.h"
#include "tests/unit/config/sample_policies.h"

/// Each row: a configuration with one fault, where it is and what is said.
namespace gateway::config {
namespace {

using testing::HasSubstr;

struct Row {
  const char* name;
  const char* text;
  Position at;
  const char* path;
  const char* message;
  const char* expected = "";
  const char* suggestion = "";
};

void PrintTo(const Row& row, std::ostream* out) { *out << row.name; }

Problems problems_of(const std::string& text) {
  const auto unset = [](std::string_view) { return std::nullopt; };
  auto loaded = load_text("t.yaml", text, kSampleTables, unset, NamedFiles::ignore);
  return loaded ? Problems{} : std::move(loaded.error());
}

std::string all(const Problems& problems) {
  std::string out;
  for (const Problem& problem : problems) out += format(problem);
  return out;
}

void expect_one(const Row& row, const Problems& problems) {
  ASSERT_EQ(problems.size(), 1U) << all(problems);
  const Problem& problem = problems[0];
  EXPECT_EQ(problem.place.position, row.at) << all(problems);
  EXPECT_EQ(problem.path, row.path);
  EXPECT_THAT(problem.message, HasSubstr(row.message));
  EXPECT_THAT(problem.expected, HasSubstr(row.expected));
  EXPECT_EQ(problem.suggestion, row.suggestion);
}

/// The whole text is the row's.
class WholeText : public testing::TestWithParam<Row> {};
TEST_P(WholeText, SaysWhereAndWhat) { expect_one(GetParam(), problems_of(GetParam().text)); }

const Row kWholeTexts[] = {
    {"empty", "", {0, 0}, "", "nothing is in it"},
    {"unclosed_list", "version: [1\n", {2, 1}, "", "not valid YAML"},
    {"tab", "version: 1\n\tlisteners: 1\n", {2, 1}, "", "not valid YAML"},
    {"second_document", "version: 1\n---\nversion: 1\n", {2, 1}, "", "second document"},
    {"no_map", "just words\n", {1, 1}, "", "not the kind of value", "a map"},
    {"unknown_anchor", "version: *v\n", {1, 10}, "", "not valid YAML"},
    {"endless_alias", "version: &a [*a]\n", {1, 14}, "", "never end"},
    {"wrong_version",
     "version: 2\nlisteners: [{name: l, address: \":0\"}]\nroutes: []\n",
     {1, 10},
     "version",
     "not one of the numbers",
     "1"},
    {"no_version",
     "listeners: [{name: l, address: \":0\"}]\nroutes: []\n",
     {1, 1},
     "",
     "version is missing"},
    {"no_listeners", "version: 1\nroutes: []\n", {1, 1}, "", "listeners is missing"},
    {"empty_listeners",
     "version: 1\nlisteners: []\nroutes: []\n",
     {2, 12},
     "listeners",
     "too short",
     "at least 1"},
};
INSTANTIATE_TEST_SUITE_P(Problems, WholeText, testing::ValuesIn(kWholeTexts),
                         [](const auto& info) { return std::string(info.param.name); });

/// The row's text follows five lines that hold listeners `plain` and `tls`.
class AfterListeners : public testing::TestWithParam<Row> {};
TEST_P(AfterListeners, SaysWhereAndWhat) {
  expect_one(GetParam(), problems_of(std::string("version: 1\n"
                                                 "listeners:\n"
                                                 "  - {name: plain, address: \":80\"}\n"
                                                 "  - {name: second, address: \":81\"}\n"
                                                 "routes: []\n") +
                                     GetParam().text));
}

const Row kTops[] = {
    {"unknown_key",
     "acess_log: {}\n",
     {6, 1},
     "acess_log",
     "unknown key",
     "access_log",
     "access_log"},
    {"duplicate_key", "process: {}\nprocess: {}\n", {7, 1}, "process", "set twice"},
    {"merge_key", "process: &p {}\nadmin:\n  <<: *p\n", {8, 3}, "admin", "merge keys"},
    {"tag", "process: {workers: !!int 3}\n", {6, 20}, "process.workers", "tags"},
    {"key_is_no_word", "? [a]\n: b\n", {6, 3}, "", "a key must be a plain word"},
    {"no_value", "process:\n", {6, 1}, "process", "no value", "a map"},
    {"list_for_map", "process: []\n", {6, 10}, "process", "not the kind of value", "a map"},
    {"map_for_scalar",
     "process: {workers: {}}\n",
     {6, 20},
     "process.workers",
     "not the kind of value",
     "a whole number"},
    {"no_number",
     "process: {workers: many}\n",
     {6, 20},
     "process.workers",
     "not a whole number",
     "from 0 to 256"},
    {"fraction", "process: {workers: 1.5}\n", {6, 20}, "process.workers", "not a whole number"},
    {"too_large",
     "process: {workers: 999}\n",
     {6, 20},
     "process.workers",
     "too large",
     "from 0 to 256"},
    {"huge",
     "process: {workers: 99999999999999999999}\n",
     {6, 20},
     "process.workers",
     "not a whole number"},
    {"no_boolean",
     "process: {pin: yes}\n",
     {6, 16},
     "process.pin",
     "neither true nor false",
     "",
     "true"},
    {"no_unit", "process: {drain: {delay: 5}}\n", {6, 26}, "process.drain.delay", "not a duration"},
    {"too_long",
     "process: {drain: {delay: 11m}}\n",
     {6, 26},
     "process.drain.delay",
     "too large",
     "at most 10m"},
    {"no_choice",
     "access_log: {format: jsn}\n",
     {6, 22},
     "access_log.format",
     "not a word",
     "json or text",
     "json"},
    {"no_address",
     "admin: {address: localhost}\n",
     {6, 18},
     "admin.address",
     "not an address with a port",
     "127.0.0.1:8443"},
    {"inline_secret",
     "admin: {token: hunter2}\n",
     {6, 16},
     "admin.token",
     "a secret is never",
     "{file: PATH} or {env: NAME}"},
    {"secret_twice",
     "admin: {token: {file: /a, env: A}}\n",
     {6, 27},
     "admin.token.env",
     "set beside file",
     "one of them"},
    {"secret_without", "admin: {token: {}}\n", {6, 16}, "admin.token", "no source", "file or env"},
    {"unset_variable",
     "access_log: {path: \"${NO}/x\"}\n",
     {6, 20},
     "access_log.path",
     "environment variable NO is not set"},
    {"open_variable", "access_log: {path: \"${NO\"}\n", {6, 20}, "access_log.path", "not closed"},
    {"no_variable",
     "access_log: {path: \"${a b}\"}\n",
     {6, 20},
     "access_log.path",
     "no name of an environment variable"},
    {"control_character",
     "access_log: {path: \"a\\nb\"}\n",
     {6, 20},
     "access_log.path",
     "line break"},
    {"admin_collides",
     "admin: {address: \"127.0.0.1:80\"}\n",
     {6, 18},
     "admin.address",
     "collides with [::]:80"},
    {"unknown_filter",
     "filters: [{type: tokn}]\n",
     {6, 18},
     "filters[0]",
     "unknown type of filter",
     "request_id",
     "token"},
    {"filter_without_type", "filters: [{rate: 1}]\n", {6, 11}, "filters[0]", "type is missing"},
    {"filter_without_needed",
     "filters: [{type: rate_limit}]\n",
     {6, 11},
     "filters[0]",
     "rate is missing"},
    {"filter_unknown_option",
     "filters: [{type: rate_limit, rate: 1, brust: 2}]\n",
     {6, 39},
     "filters[0].brust",
     "unknown key",
     "by, rate or burst",
     "burst"},
    {"filter_option",
     "filters: [{type: body_limit, size: big}]\n",
     {6, 36},
     "filters[0].size",
     "not a size"},
    {"filter_rule",
     "filters: [{type: rate_limit, rate: 5000, burst: 1}]\n",
     {6, 18},
     "filters[0]",
     "burst is far below rate"},
    {"filter_upstream",
     "filters: [{type: token, upstream: b}]\n",
     {6, 35},
     "filters[0].upstream",
     "no such upstream"},
};
INSTANTIATE_TEST_SUITE_P(Problems, AfterListeners, testing::ValuesIn(kTops),
                         [](const auto& info) { return std::string(info.param.name); });

/// The row's text is one listener, in line 3.
class OneListener : public testing::TestWithParam<Row> {};
TEST_P(OneListener, SaysWhereAndWhat) {
  expect_one(GetParam(), problems_of(fmt::format("version: 1\nlisteners:\n  - {}\nroutes: []\n",
                                                 GetParam().text)));
}

const Row kListeners[] = {
    {"no_name", "{address: \":80\"}", {3, 5}, "listeners[0]", "name is missing"},
    {"bad_name",
     "{name: \"a b\", address: \":80\"}",
     {3, 12},
     "listeners[0].name",
     "not usable as a name"},
    {"no_address", "{name: a}", {3, 5}, "listeners[0]", "addresses is missing"},
    {"both_addresses",
     "{name: a, address: \":80\", addresses: [\":81\"]}",
     {3, 31},
     "listeners[0].addresses",
     "set beside address"},
    {"same_name",
     "{name: a, address: \":80\"}\n  - {name: a, address: \":81\"}",
     {4, 12},
     "listeners[1].name",
     "already the name of listeners[0]"},
    {"same_address",
     "{name: a, address: \"127.0.0.1:80\"}\n  - {name: b, address: \":80\"}",
     {4, 24},
     "listeners[1].address",
     "collides with 127.0.0.1:80"},
    {"no_certificates",
     "{name: a, address: \":80\", tls: {}}",
     {3, 36},
     "listeners[0].tls",
     "certificates is missing"},
    {"certificate_alone",
     "{name: a, address: \":80\", tls: {certificates: [{certificate: c}]}}",
     {3, 52},
     "listeners[0].tls.certificates[0]",
     "key is missing"},
    {"certificate_and_folder",
     "{name: a, address: \":80\", tls: {certificates: [{folder: f, certificate: c, key: k}]}}",
     {3, 64},
     "listeners[0].tls.certificates[0].certificate",
     "set beside folder"},
    {"no_client_ca",
     "{name: a, address: \":80\", tls: {certificates: [{folder: f}], client_certificates: "
     "required}}",
     {3, 87},
     "listeners[0].tls.client_certificates",
     "client_ca is missing"},
    {"idle_client_ca",
     "{name: a, address: \":80\", tls: {certificates: [{folder: f}], client_ca: c}}",
     {3, 77},
     "listeners[0].tls.client_ca",
     "no effect"},
    {"old_tls",
     "{name: a, address: \":80\", tls: {certificates: [{folder: f}], min_version: 1.1}}",
     {3, 79},
     "listeners[0].tls.min_version",
     "not a word",
     "1.2 or 1.3",
     "1.2"},
    {"no_range",
     "{name: a, address: \":80\", trusted_proxies: [10.0.0.0/33]}",
     {3, 49},
     "listeners[0].trusted_proxies[0]",
     "not an address range"},
    {"target_over_head",
     "{name: a, address: \":80\", http: {max_head: 2KiB, max_target: 4KiB}}",
     {3, 66},
     "listeners[0].http.max_target",
     "larger than max_head"},
};
INSTANTIATE_TEST_SUITE_P(Problems, OneListener, testing::ValuesIn(kListeners),
                         [](const auto& info) { return std::string(info.param.name); });

/// The row's text is one upstream, in line 5.
class OneUpstream : public testing::TestWithParam<Row> {};
TEST_P(OneUpstream, SaysWhereAndWhat) {
  expect_one(GetParam(),
             problems_of(fmt::format("version: 1\nlisteners: [{{name: l, address: \":80\"}}]\n"
                                     "routes: []\nupstreams:\n  - {}\n",
                                     GetParam().text)));
}

const Row kUpstreams[] = {
    {"no_endpoints", "{name: a, endpoints: []}", {5, 26}, "upstreams[0].endpoints", "too short"},
    {"endpoint_without_port",
     "{name: a, endpoints: [app.internal]}",
     {5, 27},
     "upstreams[0].endpoints[0]",
     "not a host with a port",
     "app.internal:5000"},
    {"endpoint_url",
     "{name: a, endpoints: [\"http://app:80\"]}",
     {5, 27},
     "upstreams[0].endpoints[0]",
     "not a host with a port"},
    {"endpoint_octet",
     "{name: a, endpoints: [\"10.0.0.256:80\"]}",
     {5, 27},
     "upstreams[0].endpoints[0]",
     "not a host with a port"},
    {"endpoint_port",
     "{name: a, endpoints: [{host: b}]}",
     {5, 27},
     "upstreams[0].endpoints[0]",
     "port is missing"},
    {"endpoint_twice",
     "{name: a, endpoints: [\"b:1\", \"b:1\"]}",
     {5, 34},
     "upstreams[0].endpoints[1]",
     "the same endpoint twice"},
    {"unknown_balancer",
     "{name: a, endpoints: [\"b:1\"], balancer: round-robin}",
     {5, 45},
     "upstreams[0].balancer",
     "unknown type of balancer",
     "least_request",
     "round_robin"},
    {"tls_without_name",
     "{name: a, endpoints: [\"10.0.0.1:1\"], tls: {}}",
     {5, 42},
     "upstreams[0].tls",
     "server_name is missing"},
    {"tls_certificate_alone",
     "{name: a, endpoints: [\"b:1\"], tls: {certificate: c}}",
     {5, 35},
     "upstreams[0].tls",
     "certificate without key"},
    {"tries_over_request",
     "{name: a, endpoints: [\"b:1\"], timeouts: {request: 1s, per_try: 2s}}",
     {5, 68},
     "upstreams[0].timeouts.per_try",
     "longer than timeouts.request"},
    {"retry_of_success",
     "{name: a, endpoints: [\"b:1\"], retries: {statuses: [503, 200]}}",
     {5, 61},
     "upstreams[0].retries.statuses[1]",
     "not a status that says of failure"},
    {"budget",
     "{name: a, endpoints: [\"b:1\"], retries: {budget: 20}}",
     {5, 53},
     "upstreams[0].retries.budget",
     "too large",
     "from 0 to 1"},
    {"health_path",
     "{name: a, endpoints: [\"b:1\"], active_health: {path: readyz}}",
     {5, 57},
     "upstreams[0].active_health.path",
     "does not begin with '/'"},
};
INSTANTIATE_TEST_SUITE_P(Problems, OneUpstream, testing::ValuesIn(kUpstreams),
                         [](const auto& info) { return std::string(info.param.name); });

/// The row's text is one route, in line 9.
class OneRoute : public testing::TestWithParam<Row> {};
TEST_P(OneRoute, SaysWhereAndWhat) {
  expect_one(GetParam(), problems_of(fmt::format("version: 1\n"
                                                 "listeners:\n"
                                                 "  - {{name: plain, address: \":80\"}}\n"
                                                 "  - {{name: https, address: \":443\", tls: "
                                                 "{{certificates: [{{folder: f}}]}}}}\n"
                                                 "upstreams:\n"
                                                 "  - {{name: app, endpoints: [\"b:1\"]}}\n"
                                                 "  - {{name: auth, private: true, endpoints: "
                                                 "[\"c:1\"]}}\n"
                                                 "routes:\n"
                                                 "  - {}\n",
                                                 GetParam().text)));
}

const Row kRoutes[] = {
    {"no_action", "{name: r}", {9, 5}, "routes[0]", "no action", "forward, redirect or respond"},
    {"two_actions",
     "{name: r, forward: app, respond: {}}",
     {9, 29},
     "routes[0].respond",
     "set beside forward"},
    {"unknown_upstream",
     "{name: r, forward: ap}",
     {9, 24},
     "routes[0].forward",
     "no such upstream",
     "app or auth",
     "app"},
    {"private_upstream",
     "{name: r, forward: [app, auth]}",
     {9, 30},
     "routes[0].forward[1]",
     "upstream auth is private",
     "not private"},
    {"same_upstream",
     "{name: r, forward: [app, app]}",
     {9, 30},
     "routes[0].forward[1]",
     "the same upstream twice"},
    {"no_weight",
     "{name: r, forward: {upstream: app, weight: 0}}",
     {9, 15},
     "routes[0].forward",
     "all weights are 0"},
    {"unknown_listener",
     "{name: r, forward: app, listeners: [http]}",
     {9, 41},
     "routes[0].listeners[0]",
     "no such listener",
     "https or plain",
     "https"},
    {"host_with_port",
     "{name: r, forward: app, hosts: [\"a.example:80\"]}",
     {9, 37},
     "routes[0].hosts[0]",
     "not a host name"},
    {"host_wildcard",
     "{name: r, forward: app, hosts: [\"a.*.example\"]}",
     {9, 37},
     "routes[0].hosts[0]",
     "not a host name"},
    {"host_script",
     "{name: r, forward: app, host: \"caf\xc3\xa9.example\"}",
     {9, 35},
     "routes[0].host",
     "not a host name",
     "xn--"},
    {"two_paths",
     "{name: r, forward: app, match: {path: /a, path_prefix: /b}}",
     {9, 47},
     "routes[0].match.path_prefix",
     "set beside path"},
    {"relative_path",
     "{name: r, forward: app, match: {path: a}}",
     {9, 43},
     "routes[0].match.path",
     "does not begin with '/'"},
    {"double_slash",
     "{name: r, forward: app, match: {path: /a//b}}",
     {9, 43},
     "routes[0].match.path",
     "never met",
     "/a/b"},
    {"dot_segment",
     "{name: r, forward: app, matches: [{path_prefix: /a/../b}]}",
     {9, 53},
     "routes[0].matches[0].path_prefix",
     "never met",
     "/b"},
    {"path_with_query",
     "{name: r, forward: app, match: {path: \"/a?b=1\"}}",
     {9, 43},
     "routes[0].match.path",
     "a path ends before",
     "query"},
    {"bad_regex",
     "{name: r, forward: app, match: {path_regex: \"/a(\"}}",
     {9, 49},
     "routes[0].match.path_regex",
     "not a regular expression: missing )"},
    {"method_case",
     "{name: r, forward: app, match: {methods: [get]}}",
     {9, 47},
     "routes[0].match.methods[0]",
     "not a word",
     "GET",
     "GET"},
    {"header_condition",
     "{name: r, forward: app, match: {headers: [{name: a}]}}",
     {9, 47},
     "routes[0].match.headers[0]",
     "no condition",
     "value, regex or present"},
    {"header_twice",
     "{name: r, forward: app, match: {headers: {a: b, a: c}}}",
     {9, 53},
     "routes[0].match.headers.a",
     "set twice"},
    {"redirect_status",
     "{name: r, redirect: {host: b.example, status: 200}}",
     {9, 51},
     "routes[0].redirect.status",
     "not one of the numbers",
     "301, 302, 303, 307 or 308"},
    {"redirect_loop",
     "{name: r, redirect: {scheme: https}}",
     {9, 15},
     "routes[0].redirect",
     "sends clients of listener https back"},
    {"redirect_to_nowhere",
     "{name: r, listeners: [plain], redirect: {}}",
     {9, 35},
     "routes[0].redirect",
     "sends clients of listener plain back"},
    {"rewrite_of_answer",
     "{name: r, respond: {}, rewrite: {path: /b}}",
     {9, 28},
     "routes[0].rewrite",
     "does not forward"},
    {"rewrite_without_regex",
     "{name: r, forward: app, match: {path: /a}, rewrite: {regex_substitution: /b}}",
     {9, 78},
     "routes[0].rewrite.regex_substitution",
     "needs a match by path_regex"},
    {"rewrite_group",
     "{name: r, forward: app, match: {path_regex: /a}, rewrite: {regex_substitution: '/\\1'}}",
     {9, 84},
     "routes[0].rewrite.regex_substitution",
     "group"},
    {"rewrite_twice",
     "{name: r, forward: app, rewrite: {path: /a, prefix: /b}}",
     {9, 49},
     "routes[0].rewrite.prefix",
     "set beside path"},
    {"answer_status",
     "{name: r, respond: {status: 99}}",
     {9, 33},
     "routes[0].respond.status",
     "too small",
     "from 200 to 599"},
    {"answer_body",
     "{name: r, respond: {status: 204, body: x}}",
     {9, 44},
     "routes[0].respond.body",
     "status 204 has no body"},
    {"answer_timeout",
     "{name: r, respond: {}, timeout: 1s}",
     {9, 37},
     "routes[0].timeout",
     "does not forward"},
    {"same_name",
     "{name: r, match: {path: /a}, forward: app}\n  - {name: r, forward: app}",
     {10, 12},
     "routes[1].name",
     "already the name of routes[0]"},
    {"twin",
     "{name: r, match: {path: /a}, forward: app}\n  - {name: s, match: {path: /a}, respond: {}}",
     {10, 15},
     "routes[1].match",
     "never reached: routes[0]"},
};
INSTANTIATE_TEST_SUITE_P(Problems, OneRoute, testing::ValuesIn(kRoutes),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(Problems, AllAtOnceInTheOrderOfTheFile) {
  const Problems problems = problems_of(
      "version: 1\n"
      "process: {workers: x}\n"
      "listeners: [{name: l, address: nowhere}]\n"
      "routes:\n"
      "  - {name: r, forward: a}\n"
      "  - {nam: s}\n");
  std::vector<std::uint32_t> lines;
  for (const Problem& problem : problems) lines.push_back(problem.place.position.line);
  EXPECT_EQ(lines, (std::vector<std::uint32_t>{2, 3, 5, 6, 6, 6})) << all(problems);
}

TEST(Problems, AreShownWithTheirLine) {
  const Problems problems = problems_of(
      "version: 1\n"
      "listeners: [{name: l, adress: \":80\"}]\n"
      "routes: []\n");
  ASSERT_EQ(problems.size(), 2U);
  EXPECT_EQ(format(problems[0]),
            "t.yaml:2:13: listeners[0]: addresses is missing\n"
            "      2 | listeners: [{name: l, adress: \":80\"}]\n"
            "        |             ^\n"
            "  expected: addresses: a list of at least 1\n");
  EXPECT_EQ(format(problems[1]),
            "t.yaml:2:23: listeners[0].adress: unknown key\n"
            "      2 | listeners: [{name: l, adress: \":80\"}]\n"
            "        |                       ^^^^^^\n"
            "  expected: name, addresses, tls, http, proxy_protocol_from, trusted_proxies, "
            "max_connections or backlog\n"
            "  found:    adress\n"
            "  did you mean \"address\"?\n");
}

TEST(Problems, CaretStandsUnderTheWordBehindWideLetters) {
  const Problems problems = problems_of(
      "version: 1\nlisteners: [{name: l, address: \":0\"}]\nroutes: []\n"
      "access_log: {path: \"\xc3\xa9\", format: no}\n");
  ASSERT_EQ(problems.size(), 1U);
  const std::string text = format(problems[0]);
  EXPECT_THAT(text, HasSubstr("|                                 ^^\n"));
}

TEST(Problems, NeverShowASecret) {
  const std::string text =
      all(problems_of("version: 1\nlisteners: [{name: l, address: \":0\"}]\nroutes: []\n"
                      "admin: {token: hunter2}\n"));
  EXPECT_THAT(text, HasSubstr("t.yaml:4:16"));
  EXPECT_THAT(text, testing::Not(HasSubstr("hunter2")));
}

TEST(Problems, AMistypedNameDoesNotHideTheOthers) {
  const Problems problems = problems_of(
      "version: 1\n"
      "listeners: [{name: l, address: \":0\"}]\n"
      "upstreams: [{name: a, endpoints: [\"b\"], tls: {verify: maybe}}]\n"
      "routes: [{name: r, forward: a, timeout: soon}]\n");
  EXPECT_EQ(problems.size(), 3U) << all(problems);
}

std::string laughs(int levels) {
  std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i <= levels; ++i) {
    text += fmt::format("a{}: &a{} [", i, i);
    for (int j = 0; j < 10; ++j) text += fmt::format("*a{}{}", i - 1, j < 9 ? ", " : "]\n");
  }
  return text;
}

TEST(Bounds, ABillionLaughsAreRefused) {
  const Problems problems = problems_of(laughs(9));
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_THAT(problems[0].message, HasSubstr("aliases repeat more than"));
}

TEST(Bounds, DepthIsRefused) {
  for (const std::string& text : {std::string(100'000, '['), "a: " + std::string(5000, '{')}) {
    const Problems problems = problems_of(text);
    ASSERT_EQ(problems.size(), 1U);
    EXPECT_THAT(problems[0].message, HasSubstr("nested deeper than"));
  }
}

TEST(Bounds, LargeTextsAreRefused) {
  const Problems problems = problems_of(std::string(17U << 20, ' '));
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_THAT(problems[0].message, HasSubstr("larger than 16 MiB"));
}

}  // namespace
}  // namespace gateway::config
