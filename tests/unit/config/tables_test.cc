#include "gateway/config/tables.h"

#include <gtest/gtest.h>

#include <set>

#include "gateway/config/loader.h"
#include "tests/unit/config/sample_policies.h"

namespace gateway::config {
namespace {

constexpr const char* kRich =
    "version: 1\n"
    "process: {workers: 2, drain: {delay: 1s}}\n"
    "admin: {address: \"127.0.0.1:1\", token: {file: /t}}\n"
    "listeners:\n"
    "  - name: l\n"
    "    addresses: [\":80\", \"[::1]:81\"]\n"
    "    tls: {certificates: [{folder: /c}], min_version: 1.3, client_certificates: optional, "
    "client_ca: /ca}\n"
    "    http: {underscores: allow, max_body: 1MiB}\n"
    "    trusted_proxies: [10.0.0.0/8]\n"
    "upstreams:\n"
    "  - name: u\n"
    "    endpoints: [\"a:1\", \"[fd00::1]:2\", {address: \"10.0.0.1:3\", weight: 4}]\n"
    "    balancer: {type: consistent_hash, by: header, name: X}\n"
    "    tls: {server_name: a.example}\n"
    "    retries: {budget: 0.5, statuses: [502]}\n"
    "    active_health: {interval: 1s}\n"
    "routes:\n"
    "  - name: r\n"
    "    hosts: [\"*.example\"]\n"
    "    matches: [{path: /a, headers: {x: {present: true}, y: z}}, {path_regex: /b}]\n"
    "    filters: [{type: rate_limit, rate: 1.5}]\n"
    "    forward: {upstream: u, weight: 2}\n"
    "    timeout: 3s\n"
    "  - {name: s, listeners: l, host: b.example, redirect: {path: /x, port: 81, status: 302}}\n"
    "  - {name: t, host: c.example, respond: {status: 404, body: \"no\\n\"}}\n";

TEST(Tables, WhatIsWrittenReadsBackTheSame) {
  const auto unset = [](std::string_view) { return std::nullopt; };
  const auto loaded = load_text("t.yaml", kRich, kSampleTables, unset, NamedFiles::ignore);
  ASSERT_TRUE(loaded) << format(loaded.error().front());
  Model again;
  set_options(again, extract_options(loaded->model));
  EXPECT_EQ(again, loaded->model);
}

void expect_documented(std::span<const Field> fields, const std::string& before) {
  std::set<std::string_view> names;
  for (const Field& field : fields) {
    const std::string path = before + std::string(field.name);
    EXPECT_TRUE(names.insert(field.name).second) << path;
    EXPECT_FALSE(field.text.empty()) << path;
    EXPECT_EQ(field.type == FieldType::choice && field.choices.empty(), false) << path;
    const bool plain = !field.default_text.empty() && field.type != FieldType::balancer;
    EXPECT_TRUE(!plain || parse_scalar(field.default_text, field, field.type)) << path;
    expect_documented(field.fields, path + ".");
  }
}

TEST(Tables, EveryOptionIsDocumentedAndItsDefaultValid) {
  expect_documented(fields_of<Model>(), "");
}

}  // namespace
}  // namespace gateway::config
