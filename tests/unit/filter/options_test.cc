#include <gtest/gtest.h>

#include "gateway/config/loader.h"
#include "tests/unit/filter/fixtures.h"

namespace gateway::filter {
namespace {

constexpr const char* kHead = R"(version: 1
listeners: [{name: http, address: "127.0.0.1:0"}]
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
  - {type: body_limit, size: 1MiB}
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
       {"  - allow_deny\n", "  - body_limit\n", "  - {type: rate_limit, rate: 0}\n",
        "  - {type: request_id, header: 'a b'}\n", "  - {type: request_id, accept: some}\n",
        "  - {type: header_edits, request: {set: {Host: x}}}\n"}) {
    EXPECT_FALSE(load(bad)) << bad;
  }
}

}  // namespace
}  // namespace gateway::filter
