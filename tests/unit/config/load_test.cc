#include <gtest/gtest.h>

#include "gateway/config/loader.h"
#include "tests/unit/config/sample_policies.h"

namespace gateway::config {
namespace {

std::optional<std::string> variable(std::string_view name) {
  if (name == "PORT") return "5101";
  if (name == "EMPTY") return "";
  return std::nullopt;
}

Model load(std::string text) {
  auto loaded =
      load_text("t.yaml", "version: 1\n" + text, kSampleTables, variable, NamedFiles::ignore);
  if (loaded) return std::move(loaded->model);
  for (const Problem& problem : loaded.error()) ADD_FAILURE() << format(problem);
  return {};
}

constexpr const char* kListener = "listeners: [{name: l, address: \":80\"}]\n";
constexpr const char* kUpstreams =
    "upstreams:\n"
    "  - {name: a, endpoints: [\"10.0.0.1:80\"]}\n"
    "  - {name: b, endpoints: [\"10.0.0.2:80\"]}\n"
    "  - {name: p, private: true, endpoints: [\"10.0.0.3:80\"]}\n";

Model load_routes(const std::string& routes) {
  return load(std::string(kListener) + kUpstreams + "routes:\n" + routes);
}

TEST(Load, TakesDefaultsFromTheModel) {
  const Model model = load(std::string(kListener) + kUpstreams + "routes: []\n");
  ASSERT_EQ(model.upstreams.size(), 3U);
  Upstream expected;
  expected.name = "a";
  expected.endpoints = {{"10.0.0.1", 80, 1}};
  EXPECT_EQ(model.upstreams[0], expected);
  Listener listener;
  listener.name = "l";
  listener.addresses = {*SocketAddress::parse(":80")};
  ASSERT_EQ(model.listeners.size(), 1U);
  EXPECT_EQ(model.listeners[0], listener);
  EXPECT_EQ(model.process, Process{});
}

TEST(Load, ReadsEveryKindOfOption) {
  const Model model = load(
      "process: {workers: 3, pin: true, drain: {delay: 1.5s, deadline: 1m30s}}\n"
      "admin: {address: \"[::1]:9901\", token: {env: TOKEN}}\n"
      "access_log: {path: off, format: text}\n"
      "cluster:\n"
      "  listen: 10.0.0.1:9903\n"
      "  tls: {certificate: /c, key: /k, client_ca: /ca, server_name: gateway.internal}\n"
      "  peers: [\"10.0.0.1:9903\", \"[fd00::2]:9903\"]\n"
      "  token: {file: /t}\n"
      "listeners:\n"
      "  - name: l\n"
      "    addresses: [\":80\", \"127.0.0.1:81\"]\n"
      "    http: {max_head: 32KiB, max_body: 10MB, underscores: refuse, merge_slashes: false}\n"
      "    trusted_proxies: [10.0.0.0/8, \"::1\"]\n"
      "routes: []\n");
  EXPECT_EQ(model.process.workers, 3U);
  EXPECT_TRUE(model.process.pin);
  EXPECT_EQ(model.process.drain.delay, 1500ms);
  EXPECT_EQ(model.process.drain.deadline, 90s);
  EXPECT_EQ(model.admin.address, *SocketAddress::parse("[::1]:9901"));
  EXPECT_EQ(model.admin.token.env, "TOKEN");
  EXPECT_EQ(model.access_log.path, "off");
  EXPECT_EQ(model.access_log.format, LogFormat::text);
  ASSERT_TRUE(model.cluster);
  EXPECT_EQ(model.cluster->listen, *SocketAddress::parse("10.0.0.1:9903"));
  EXPECT_EQ(model.cluster->tls, (ClusterTls{"/c", "/k", "/ca", "gateway.internal"}));
  EXPECT_EQ(model.cluster->peers.size(), 2U);
  EXPECT_EQ(model.cluster->token.file, "/t");
  const Listener& listener = model.listeners.at(0);
  EXPECT_EQ(listener.addresses.size(), 2U);
  EXPECT_EQ(listener.http.max_head, Size{32 * 1024});
  EXPECT_EQ(listener.http.max_body, Size{10'000'000});
  EXPECT_EQ(listener.http.underscores, Underscores::refuse);
  EXPECT_FALSE(listener.http.merge_slashes);
  EXPECT_EQ(listener.trusted_proxies.size(), 2U);
}

TEST(Load, ForwardHasThreeForms) {
  const Model model = load_routes(
      "  - {name: r1, match: {path: /1}, forward: a}\n"
      "  - {name: r2, match: {path: /2}, forward: {upstream: a, weight: 3}}\n"
      "  - {name: r3, match: {path: /3}, forward: [a, {upstream: b, weight: 0}]}\n");
  ASSERT_EQ(model.routes.size(), 3U);
  EXPECT_EQ(model.routes[0].forward, (std::vector<WeightedUpstream>{{"a", 1}}));
  EXPECT_EQ(model.routes[1].forward, (std::vector<WeightedUpstream>{{"a", 3}}));
  EXPECT_EQ(model.routes[2].forward, (std::vector<WeightedUpstream>{{"a", 1}, {"b", 0}}));
}

TEST(Load, MatchesByPathMethodHeaderAndQuery) {
  const Model model = load_routes(
      "  - name: r\n"
      "    host: Shop.Example\n"
      "    matches:\n"
      "      - {path: /exact, methods: GET}\n"
      "      - {path_prefix: /pre, headers: {x-a: one, x-b: {regex: 't.*'}}}\n"
      "      - {path_regex: '/r/[0-9]+', query: [{name: q, present: true}]}\n"
      "      - methods: [PUT]\n"
      "    forward: a\n");
  const Route& route = model.routes.at(0);
  EXPECT_EQ(route.hosts, std::vector<std::string>{"shop.example"});
  ASSERT_EQ(route.matches.size(), 4U);
  EXPECT_EQ(route.matches[0], (Match{PathMatch::exact, "/exact", {"GET"}, {}, {}}));
  EXPECT_EQ(route.matches[1],
            (Match{PathMatch::prefix, "/pre", {}, {{"x-a", "one"}, {"x-b", "t.*", true}}, {}}));
  EXPECT_EQ(route.matches[2],
            (Match{PathMatch::regex, "/r/[0-9]+", {}, {}, {{"q", "", false, true}}}));
  EXPECT_EQ(route.matches[3], (Match{PathMatch::prefix, "/", {"PUT"}, {}, {}}));
}

TEST(Load, EndpointsAsTextOrMap) {
  const Model model = load(std::string(kListener) +
                           "upstreams:\n"
                           "  - name: u\n"
                           "    endpoints:\n"
                           "      - 10.0.0.1:80\n"
                           "      - \"[fd00::1]:81\"\n"
                           "      - {host: app.internal, port: 82, weight: 5}\n"
                           "      - {address: \"app.internal:83\"}\n"
                           "      - \"app.ns.svc.cluster.local.:84\"\n"
                           "routes: []\n");
  EXPECT_EQ(model.upstreams.at(0).endpoints,
            (std::vector<Endpoint>{{"10.0.0.1", 80, 1},
                                   {"fd00::1", 81, 1},
                                   {"app.internal", 82, 5},
                                   {"app.internal", 83, 1},
                                   {"app.ns.svc.cluster.local.", 84, 1}}));
}

TEST(Load, AListenerMayKeepSlashesApart) {
  const Model model = load(
      "listeners: [{name: l, address: \":80\", http: {merge_slashes: false}}]\n"
      "routes: [{name: r, match: {path: /a//b}, respond: {status: 200}}]\n");
  EXPECT_EQ(model.routes.at(0).matches.at(0).path, "/a//b");
}

TEST(Load, FillsDefaultsOfPolicies) {
  const Model model = load_routes(
      "  - name: r\n"
      "    filters:\n"
      "      - request_id\n"
      "      - {type: rate_limit, rate: 5}\n"
      "      - {type: token, upstream: p, deny_ttl: 1s}\n"
      "    forward: a\n");
  const auto& filters = model.routes.at(0).filters;
  ASSERT_EQ(filters.size(), 3U);
  EXPECT_EQ(filters[0].type, "request_id");
  EXPECT_EQ(filters[1].options["rate"].as<double>(), 5);
  EXPECT_EQ(filters[1].options["by"].as<std::string>(), "address");
  EXPECT_EQ(filters[1].options["burst"].as<std::int64_t>(), 1);
  EXPECT_EQ(filters[2].options["allow_ttl"].as<Duration>(), 60s);
  EXPECT_EQ(filters[2].options["deny_ttl"].as<Duration>(), 1s);
  EXPECT_EQ(filters[2].options["schemes"], Value(Value::List{Value("Bearer"), Value("raw")}));
  EXPECT_FALSE(filters[2].options["signing"].is_set());
}

TEST(Load, ExpandsVariables) {
  const Model model =
      load(std::string(kListener) +
           "upstreams: [{name: u, endpoints: [\"10.0.0.1:${PORT}\", \"${HOST:-app}:80\"]}]\n"
           "access_log: {path: \"/log/$${x}${EMPTY:-e}${EMPTY}\"}\n"
           "routes: []\n");
  EXPECT_EQ(model.upstreams.at(0).endpoints,
            (std::vector<Endpoint>{{"10.0.0.1", 5101, 1}, {"app", 80, 1}}));
  EXPECT_EQ(model.access_log.path, "/log/${x}e");
}

TEST(Load, AliasesRepeatValues) {
  const Model model = load(
      "listeners:\n"
      "  - {name: l, address: \":80\", http: &bounds {max_fields: 7}}\n"
      "  - {name: m, address: \":81\", http: *bounds}\n"
      "routes: []\n");
  EXPECT_EQ(model.listeners.at(1).http.max_fields, 7U);
}

TEST(Load, KeepsPlacesBesideTheModel) {
  const auto loaded = load_text("t.yaml",
                                "version: 1\n" + std::string(kListener) + kUpstreams +
                                    "routes:\n"
                                    "  - {name: r, forward: a, filters: [request_id]}\n",
                                kSampleTables, variable, NamedFiles::ignore);
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->sources.find("routes[0]")->position, (Position{8, 5}));
  EXPECT_EQ(loaded->sources.find("upstreams[1]")->position, (Position{5, 5}));
  EXPECT_EQ(loaded->sources.find("routes[0].filters[0]")->position, (Position{8, 37}));
  EXPECT_FALSE(loaded->sources.find("routes[1]"));
}

TEST(Load, WhatLayersAboveFindIsShownWhereItWasWritten) {
  const auto loaded = load_text("t.yaml",
                                "version: 1\n" + std::string(kListener) + kUpstreams +
                                    "routes:\n"
                                    "  - {name: r, forward: a, filters: [request_id]}\n",
                                kSampleTables, variable, NamedFiles::ignore);
  ASSERT_TRUE(loaded);
  const Problems problems = loaded->sources.problems({{"routes[0].filters[0].options", "no good"}});
  ASSERT_EQ(problems.size(), 1U);
  const Problem& deep = problems.front();
  EXPECT_EQ(deep.place.file, "t.yaml");
  EXPECT_EQ(deep.place.position, (Position{8, 37}));
  EXPECT_EQ(deep.path, "routes[0].filters[0]");
  EXPECT_EQ(deep.source_line, "  - {name: r, forward: a, filters: [request_id]}");
}

// The files may be the reason why the text is refused, and come later.
TEST(Load, TellsWhatARefusedTextNames) {
  std::vector<std::string> paths;
  const auto loaded = load_text("t.yaml",
                                "version: 1\n"
                                "listeners:\n"
                                "  - name: l\n"
                                "    address: \":443\"\n"
                                "    tls: {certificates: [{folder: /nowhere/tls}],\n"
                                "          ticket_key_file: /nowhere/tickets}\n"
                                "routes: []\n",
                                kSampleTables, variable, NamedFiles::open, &paths);
  EXPECT_FALSE(loaded.has_value());
  std::sort(paths.begin(), paths.end());
  EXPECT_EQ(paths, (std::vector<std::string>{"/nowhere/tickets", "/nowhere/tls"}));
}

}  // namespace
}  // namespace gateway::config
