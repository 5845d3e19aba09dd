#include <gmock/gmock.h>

#include <set>

#include "fixtures.h"
#include "gateway/upstream/balancer.h"
#include "gateway/upstream/picker.h"

namespace gateway::upstream {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;

config::Value options(const std::map<std::string, config::Value, std::less<>>& given = {}) {
  config::Value::Map map{{"name", std::string("INGRESSCOOKIE")},
                         {"path", std::string("/")},
                         {"same_site", std::string("lax")},
                         {"secure", std::string("auto")}};
  for (const auto& [name, value] : given) map.insert_or_assign(name, value);
  return map;
}

/// A client that keeps what it is told.
class Client {
 public:
  http::RequestHead request() {
    http::RequestHead head;
    if (!cookie.empty())
      head.headers.add(arena_, http::HeaderId::cookie, arena_.concat("a=b; ", cookie, "; c=d"));
    head.headers.add(arena_, http::HeaderId::x_forwarded_proto, proto);
    return head;
  }
  /// What it was told; empty when nothing.
  std::string hear(const Balancer& balancer, const Endpoint& endpoint) {
    std::string told(balancer.cookie_for(request(), endpoint, arena_));
    if (!told.empty()) cookie = told.substr(0, told.find(';'));
    return told;
  }

  std::string cookie;
  std::string proto = "http";

 private:
  Arena arena_;
};

class CookieTest : public testing::Test {
 protected:
  std::unique_ptr<Balancer> make(const EndpointSetPtr& set,
                                 const config::Value& given = options()) {
    return find_balancer("cookie")->make(given, *set, random_);
  }
  static std::uint32_t pick(Balancer& balancer, Client& client, std::uint32_t round = 0) {
    const http::RequestHead request = client.request();
    return balancer.pick({.hash = balancer.hash_of(request, {})}, round);
  }
  static const Endpoint& endpoint(const EndpointSetPtr& set, std::uint32_t index) {
    return *set->entries[index].endpoint;
  }

  Random random_{1};
  EndpointSetPtr set_ = test::make_set(5);
};

TEST_F(CookieTest, BindsAClientToWhoAnsweredItFirst) {
  const auto balancer = make(set_);
  Client client;
  const std::uint32_t first = pick(*balancer, client);
  EXPECT_THAT(client.hear(*balancer, endpoint(set_, first)),
              MatchesRegex("INGRESSCOOKIE=[0-9a-f]{16}; Path=/; HttpOnly; SameSite=Lax"));
  // Another worker, and a process that was started anew, with a set that another one has joined.
  const auto other = make(test::make_set(6));
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(pick(*balancer, client), first);
    EXPECT_EQ(pick(*other, client), first);
    EXPECT_EQ(client.hear(*balancer, endpoint(set_, first)), "") << "it knows already";
  }
}

TEST_F(CookieTest, SpreadsClientsWithoutOneInTurn) {
  const auto balancer = make(set_);
  std::set<std::uint32_t> met;
  for (int i = 0; i < 5; ++i) {
    Client client;
    met.insert(pick(*balancer, client));
  }
  EXPECT_EQ(met.size(), 5U);
}

TEST_F(CookieTest, WhatStandsForNobodyCountsAsNone) {
  const auto balancer = make(set_);
  for (const char* cookie :
       {"INGRESSCOOKIE=", "INGRESSCOOKIE=0123456789abcdef", "INGRESSCOOKIE=10.0.0.1:8080",
        "INGRESSCOOKIE=0123456789abcdef0", "INGRESSCOOKIE=-123456789abcdef", "OTHER=1"}) {
    Client client;
    client.cookie = cookie;
    std::set<std::uint32_t> met;
    for (int i = 0; i < 5; ++i) met.insert(pick(*balancer, client));
    EXPECT_EQ(met.size(), 5U) << cookie;
    EXPECT_THAT(client.hear(*balancer, endpoint(set_, 0)), HasSubstr("INGRESSCOOKIE=")) << cookie;
  }
}

TEST_F(CookieTest, OfNoUseNowMeansAnotherEndpointAndAnotherCookie) {
  const auto balancer = make(set_);
  Client client;
  client.hear(*balancer, endpoint(set_, 2));
  const std::string before = client.cookie;
  std::set<std::uint32_t> met;
  for (std::uint32_t round = 1; round < 6; ++round) met.insert(pick(*balancer, client, round));
  EXPECT_EQ(met.size(), 5U);
  client.hear(*balancer, endpoint(set_, 3));
  EXPECT_NE(client.cookie, before);
  EXPECT_EQ(pick(*balancer, client), 3U);
}

// The address must not be read from it, and another owner of the address is somebody else.
TEST_F(CookieTest, DependsOnTheOwnerOfAnAddress) {
  const auto balancer = make(set_);
  std::set<std::string> ids;
  for (const char* uid : {"", "pod-1", "pod-2"}) {
    for (const char* upstream : {"app", "other"}) {
      Client client;
      client.hear(*balancer, Endpoint(upstream, test::address_of(0), "10.0.0.1", uid));
      EXPECT_THAT(client.cookie, Not(HasSubstr("10.0.0.1")));
      ids.insert(client.cookie);
    }
  }
  EXPECT_EQ(ids.size(), 6U);
}

TEST_F(CookieTest, SaysWhatItsOptionsSay) {
  const auto told = [&](const config::Value& given, const std::string& proto) {
    Client client;
    client.proto = proto;
    const std::string text = client.hear(*make(set_, given), endpoint(set_, 0));
    return text.substr(0, text.find('=')) + text.substr(text.find(';'));
  };
  using std::string;
  EXPECT_EQ(told(options(), "https"), "INGRESSCOOKIE; Path=/; HttpOnly; SameSite=Lax; Secure");
  EXPECT_EQ(told(options({{"name", string("SID")},
                          {"path", string("/app")},
                          {"domain", string("a.example")},
                          {"max_age", Duration(std::chrono::hours(1))},
                          {"same_site", string("strict")},
                          {"secure", string("on")}}),
                 "http"),
            "SID; Path=/app; HttpOnly; Max-Age=3600; Domain=a.example; SameSite=Strict; Secure");
  EXPECT_EQ(told(options({{"secure", string("off")}}), "https"),
            "INGRESSCOOKIE; Path=/; HttpOnly; SameSite=Lax");
  EXPECT_EQ(told(options({{"same_site", string("none")}}), "https"),
            "INGRESSCOOKIE; Path=/; HttpOnly; Secure; SameSite=None");
  EXPECT_EQ(told(options({{"same_site", string("none")}}), "http"),
            "INGRESSCOOKIE; Path=/; HttpOnly");
}

TEST_F(CookieTest, OptionsThatMakeNoCookieAreRefused) {
  const auto check = find_balancer("cookie")->policy.check;
  using std::string;
  EXPECT_EQ(check(options()), "");
  EXPECT_THAT(check(options({{"name", string("a;b")}})), HasSubstr("name"));
  EXPECT_THAT(check(options({{"path", string("/;x")}})), HasSubstr("path"));
  EXPECT_THAT(check(options({{"domain", string("*.a.example")}})), HasSubstr("domain"));
  EXPECT_THAT(check(options({{"same_site", string("none")}, {"secure", string("off")}})),
              HasSubstr("same_site"));
}

// A session must not be thrown away because its endpoint has just come back.
TEST_F(CookieTest, SlowStartIsForNewClientsAlone) {
  Picker picker({{"cookie", options()}, {}, std::chrono::hours(1)}, random_);
  picker.update(set_);
  const Instant now = std::chrono::steady_clock::now();
  Endpoint& fresh = *set_->entries[0].endpoint;
  fresh.start_slowly(now);
  Client bound;
  Arena arena;
  const std::string told(picker.cookie_for(bound.request(), fresh, arena));
  bound.cookie = told.substr(0, told.find(';'));
  int of_new_clients = 0;
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(picker.pick({picker.hash_of(bound.request(), {}), {}}, now)->endpoint, &fresh);
    of_new_clients += picker.pick({}, now)->endpoint == &fresh ? 1 : 0;
  }
  EXPECT_LT(of_new_clients, 15);
  fresh.set_healthy(false, now);
  EXPECT_NE(picker.pick({picker.hash_of(bound.request(), {}), {}}, now)->endpoint, &fresh);
}

}  // namespace
}  // namespace gateway::upstream
