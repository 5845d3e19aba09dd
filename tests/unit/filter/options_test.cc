#include <gtest/gtest.h>

#include "gateway/config/loader.h"
#include "tests/unit/filter/fixtures.h"

namespace gateway::filter {
namespace {

constexpr const char* kHead = R"(version: 1
listeners: [{name: http, address: "127.0.0.1:0"}]
upstreams: [{name: auth, private: true, endpoints: ["127.0.0.1:1"]}]
routes: [{name: r, respond: {status: 200}}]
filters:
)";

tl::expected<config::LoadedModel, config::Problems> load(const std::string& filters) {
  const config::PolicyTables tables{filter_policies(), {}};
  return config::load_text("test.yaml", kHead + filters, tables,
                           [](std::string_view) { return std::nullopt; });
}

TEST(FilterOptions, WhatTheReaderTakesCompiles) {
  const auto loaded = load(R"(
  - request_id
  - {type: allow_deny, allow: 10.0.0.0/8, deny: [10.6.6.6, "fd00::/8"]}
  - {type: rate_limit, rate: 200}
  - {type: rate_limit, rate: 0.5, burst: 3, ipv6_prefix: 56, clients: 2048, name: slow}
  - {type: rate_limit, rate: 200, exempt: [10.0.0.0/8, "::1"]}
  - {type: concurrency_limit, requests: 20, exempt: 10.0.0.0/8}
  - {type: body_limit, size: 1MiB}
  - {type: cors, allow_origins: "https://*.app.example"}
  - {type: cors, allow_origins: ["*"], allow_methods: "*", allow_headers: "*", max_age: 10m}
  - {type: basic_auth, users: "ann:$apr1$r31.....$G/cElGhD0cboYkZN5h5Ne/"}
  - {type: external_auth, upstream: auth}
  - type: external_auth
    upstream: auth
    path: "/check?for=$host"
    response_headers: [X-Auth-Request-User, Authorization]
    signin: "https://$host/oauth2/start"
    cache_key: "$cookie_session"
  - {type: error_pages, codes: [404, 503], upstream: auth, headers: {X-Namespace: shop}}
  - type: header_edits
    request: {set: {X-Env: prod}, add: {Via: 1.1 gateway}, remove: [X-Debug]}
    response: {remove: Server}
)");
  ASSERT_TRUE(loaded) << loaded.error().front().message;
  test::Services services;
  for (const config::PolicySettings& settings : loaded->model.filters) {
    auto plan = find_filter_type(settings.type)->compile(settings.options, services);
    ASSERT_TRUE(plan) << settings.type << ": " << plan.error().detail;
    EXPECT_NE((*plan)->hooks(), 0U) << settings.type;
    EXPECT_NE((*plan)->bind(services), nullptr) << settings.type;
  }
}

TEST(FilterOptions, TheReaderRefusesWhatMakesNoSense) {
  for (const char* bad :
       {"  - allow_deny\n",
        "  - body_limit\n",
        "  - {type: rate_limit, rate: 0}\n",
        "  - {type: request_id, header: 'a b'}\n",
        "  - {type: request_id, header: host}\n",
        "  - {type: request_id, header: Content-Length}\n",
        "  - {type: request_id, accept: some}\n",
        "  - {type: header_edits, request: {set: {Host: x}}}\n",
        "  - cors\n",
        "  - {type: cors, allow_origins: []}\n",
        "  - {type: cors, allow_origins: app.example}\n",
        "  - basic_auth\n",
        "  - {type: basic_auth, users: 'a:b', users_file: /dev/null}\n",
        "  - {type: basic_auth, users: 'a:b', user_header: Host}\n",
        "  - {type: basic_auth, users: 'no hash'}\n",
        "  - client_certificate\n",
        "  - {type: client_certificate, ca: no PEM}\n",
        "  - {type: client_certificate, ca_file: /dev/null}\n",
        "  - {type: client_certificate, ca: x, depth: 11}\n",
        "  - {type: error_pages, codes: 404}\n",
        "  - {type: concurrency_limit, requests: 1, exempt: here}\n",
        "  - external_auth\n",
        "  - {type: external_auth, upstream: none}\n",
        "  - {type: external_auth, upstream: auth, path: check}\n",
        "  - {type: external_auth, upstream: auth, path: /$uri}\n",
        "  - {type: external_auth, upstream: auth, signin: '//evil.example'}\n",
        "  - {type: external_auth, upstream: auth, signin: 'https://$arg_next/start'}\n",
        "  - {type: external_auth, upstream: auth, signin: 'https://$host.evil.example'}\n",
        "  - {type: external_auth, upstream: auth, cache_key: ''}\n",
        "  - {type: external_auth, upstream: auth, cache_key: v1}\n",
        "  - {type: external_auth, upstream: auth, response_headers: Connection}\n",
        "  - {type: error_pages, codes: [], upstream: auth}\n",
        "  - {type: error_pages, codes: [200], upstream: auth}\n",
        "  - {type: error_pages, codes: 404, upstream: auth, headers: {Host: x}}\n"}) {
    EXPECT_FALSE(load(bad)) << bad;
  }
}

TEST(FilterOptions, ALimitByTokenNeedsATokenFilter) {
  const auto checked = [](const std::string& everywhere, const std::string& here) {
    const config::PolicyTables tables{filter_policies(), {}};
    const auto loaded = config::load_text("test.yaml",
                                          "version: 1\n"
                                          "listeners: [{name: http, address: '127.0.0.1:0'}]\n"
                                          "upstreams: [{name: auth, endpoints: ['127.0.0.1:1']}]\n"
                                          "filters: [" +
                                              everywhere +
                                              "]\n"
                                              "routes:\n"
                                              "  - name: r\n"
                                              "    respond: {status: 200}\n"
                                              "    filters: [" +
                                              here + "]\n",
                                          tables, [](std::string_view) { return std::nullopt; });
    if (loaded) return std::string();
    const config::Problem& problem = loaded.error().front();
    return std::to_string(problem.place.position.line) + " " + problem.path + ": " +
           problem.message + " (" + problem.expected + ")";
  };
  const std::string limit = "{type: rate_limit, by: token, rate: 1}";
  const std::string token = "{type: token, upstream: auth}";
  const std::string wrong =
      ": counts by token, but no token filter checks one here (a filter of type token beside it, "
      "or by: address)";
  EXPECT_EQ(checked("", limit), "8 routes[0].filters[0]" + wrong);
  EXPECT_EQ(checked(limit, ""), "4 filters[0]" + wrong);
  for (const auto& [everywhere, here] : {std::pair{token, limit}, {limit, token}})
    EXPECT_EQ(checked(everywhere, here), "");
  EXPECT_EQ(checked("", limit + ", " + token), "");
}

}  // namespace
}  // namespace gateway::filter
