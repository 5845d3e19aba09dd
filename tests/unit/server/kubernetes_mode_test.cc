#include "gateway/server/kubernetes_mode.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace gateway::server {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

/// Names; a '+' behind one: with TLS.
config::Model entrances(const std::vector<std::string>& names) {
  config::Model model;
  for (const std::string& name : names) {
    config::Listener& made = model.listeners.emplace_back();
    made.name = name.substr(0, name.find('+'));
    if (name.ends_with('+')) made.tls.emplace();
  }
  return model;
}

void expect_change(const std::vector<std::string>& after, const std::string& path,
                   const std::string& what, const std::string& mend) {
  const auto findings = changed_entrances(entrances({"http", "https+"}), entrances(after));
  ASSERT_EQ(findings.size(), 1U) << path;
  EXPECT_EQ(findings[0].path, path);
  EXPECT_THAT(findings[0].message, HasSubstr(what));
  EXPECT_EQ(findings[0].expected, mend + ", or a restart of the gateway");
}

TEST(ChangedEntrances, AreNamedWithWhatWouldMendThem) {
  expect_change({"http", "https+", "more"}, "listeners[2]", "listener more is new",
                "no such listener");
  expect_change({"https+"}, "listeners", "listener http is gone", "http");
  expect_change({"http", "https"}, "listeners[1].tls", "listener https has no more TLS", "TLS");
  expect_change({"http+", "https+"}, "listeners[0].tls", "listener http begins to have TLS",
                "no TLS");
  expect_change({"https+", "http"}, "listeners", "in another order", "http, https");
}

TEST(ChangedEntrances, OtherSettingsMayChange) {
  config::Model after = entrances({"http", "https+"});
  after.listeners[0].max_connections = 7;
  after.listeners[1].tls->ciphers = "HIGH";
  EXPECT_THAT(changed_entrances(entrances({"http", "https+"}), after), IsEmpty());
}

}  // namespace
}  // namespace gateway::server
