#include "gateway/upstream/balancer.h"

#include <gmock/gmock.h>

#include <map>

#include "fixtures.h"
#include "gateway/base/arena.h"
#include "gateway/upstream/hash.h"

namespace gateway::upstream {
namespace {

using test::make_set;
using ::testing::Each;
using ::testing::ElementsAre;

std::unique_ptr<Balancer> make(std::string_view type, const EndpointSet& set, Random& random,
                               config::Value::Map options = {}) {
  return find_balancer(type)->make(config::Value(std::move(options)), set, random);
}

std::vector<int> tally(Balancer& balancer, std::size_t size, int picks) {
  std::vector<int> counts(size);
  for (int i = 0; i < picks; ++i) ++counts[balancer.pick({}, 0)];
  return counts;
}

TEST(BalancerTable, OffersEachTypeToTheConfiguration) {
  std::vector<std::string_view> types;
  for (const config::Policy& policy : balancer_policies()) types.push_back(policy.type);
  EXPECT_THAT(types, ::testing::IsSupersetOf(
                         {"least_request", "round_robin", "weighted", "consistent_hash"}));
  EXPECT_EQ(types.front(), "least_request") << "the default comes first";
  EXPECT_EQ(find_balancer("fastest"), nullptr);
}

TEST(RoundRobin, GivesEachItsTurn) {
  Random random(1);
  const auto set = make_set(3);
  const auto balancer = make("round_robin", *set, random);
  EXPECT_THAT(tally(*balancer, 3, 300), ElementsAre(100, 100, 100));
}

TEST(RoundRobin, StartsAnywhere) {
  Random random(1);
  const auto set = make_set(4);
  std::vector<int> starts(4);
  for (int i = 0; i < 400; ++i) ++starts[make("round_robin", *set, random)->pick({}, 0)];
  EXPECT_THAT(starts, Each(::testing::Gt(50)));
}

TEST(Weighted, FollowsTheWeightsExactlyAndInterleaves) {
  Random random(1);
  const auto set = make_set({4, 2, 2});
  const auto balancer = make("weighted", *set, random);
  EXPECT_THAT(tally(*balancer, 3, 400), ElementsAre(200, 100, 100));
  std::uint32_t previous = balancer->pick({}, 0);
  int in_a_row = 1;
  for (int i = 0; i < 100; ++i) {
    const std::uint32_t next = balancer->pick({}, 0);
    in_a_row = next == previous ? in_a_row + 1 : 1;
    EXPECT_LE(in_a_row, 2);
    previous = next;
  }
}

TEST(Weighted, CopesWithWeightsFarApart) {
  Random random(1);
  const auto set = make_set({1'000'000, 1});
  const auto balancer = make("weighted", *set, random);
  const auto counts = tally(*balancer, 2, 10'000);
  EXPECT_GT(counts[0], 9'900);
  EXPECT_GT(counts[1], 0);
}

TEST(LeastRequest, SpreadsIdleEndpointsByWeight) {
  Random random(1);
  const auto even = make_set(4);
  EXPECT_THAT(tally(*make("least_request", *even, random), 4, 4000), Each(::testing::Gt(900)));
  const auto uneven = make_set({3, 1});
  const auto counts = tally(*make("least_request", *uneven, random), 2, 4000);
  EXPECT_NEAR(counts[0], 3000, 100);
}

TEST(LeastRequest, AvoidsTheBusyOne) {
  Random random(1);
  const auto set = make_set(2);
  const EndpointUse busy(*set->entries[0].endpoint);
  EXPECT_THAT(tally(*make("least_request", *set, random), 2, 100), ElementsAre(0, 100));
}

TEST(LeastRequest, KeepsLoadsLevelWhenRequestsPileUp) {
  Random random(1);
  const auto set = make_set(10);
  const auto balancer = make("least_request", *set, random);
  std::vector<EndpointUse> uses;
  for (int i = 0; i < 1000; ++i) uses.emplace_back(*set->entries[balancer->pick({}, 0)].endpoint);
  for (const SetEntry& entry : set->entries) EXPECT_NEAR(entry.endpoint->in_flight(), 100, 5);
}

std::map<std::uint64_t, std::string> owners(const EndpointSet& set) {
  Random random(1);
  const auto balancer = make("consistent_hash", set, random);
  std::map<std::uint64_t, std::string> owners;
  for (std::uint64_t key = 0; key < 10'000; ++key)
    owners[key] = set.entries[balancer->pick({.hash = key}, 0)].endpoint->label();
  return owners;
}

TEST(ConsistentHash, SpreadsKeysByWeight) {
  const auto set = make_set({2, 1, 1});
  std::map<std::string, int> shares;
  for (const auto& [key, owner] : owners(*set)) ++shares[owner];
  EXPECT_NEAR(shares["10.0.0.1:8080"], 5000, 250);
  EXPECT_NEAR(shares["10.0.0.2:8080"], 2500, 250);
}

TEST(ConsistentHash, MovesFewKeysThatNeedNotMove) {
  const auto before = owners(*make_set(10));
  auto smaller = std::make_shared<EndpointSet>(*make_set(10));
  const std::string gone = smaller->entries[3].endpoint->label();
  smaller->entries.erase(smaller->entries.begin() + 3);
  int moved = 0;
  for (const auto& [key, owner] : owners(*smaller))
    if (before.at(key) != gone && before.at(key) != owner) ++moved;
  EXPECT_LT(moved, 300);  // of about 9,000 that stayed
}

TEST(ConsistentHash, OffersAnotherEndpointInTheNextRoundAndAlwaysTheSame) {
  Random random(1);
  const auto set = make_set(10);
  const auto balancer = make("consistent_hash", *set, random);
  int different = 0;
  for (std::uint64_t key = 0; key < 1000; ++key) {
    const PickContext context{.hash = key};
    different += balancer->pick(context, 0) != balancer->pick(context, 1);
    EXPECT_EQ(balancer->pick(context, 1), balancer->pick(context, 1));
  }
  EXPECT_GT(different, 850);
}

TEST(ConsistentHash, KeysByHeaderThenCookieThenClient) {
  Random random(1);
  Arena arena;
  const auto set = make_set(3);
  const auto balancer = make("consistent_hash", *set, random,
                             {{"header", config::Value(std::string("X-Tenant"))},
                              {"cookie", config::Value(std::string("sid"))}});
  const IpAddress client = IpAddress::v4(0x7f000001);
  http::RequestHead request;
  EXPECT_EQ(balancer->hash_of(request, client), hash_text(client.bytes()));
  request.headers.add(arena, "Cookie", "a=1; xsid=2; sid=abc; b=3");
  EXPECT_EQ(balancer->hash_of(request, client), hash_text("abc"));
  request.headers.add(arena, "x-tenant", "blue");
  EXPECT_EQ(balancer->hash_of(request, client), hash_text("blue"));
}

TEST(CookieValue, FindsWholeNamesOnly) {
  EXPECT_EQ(cookie_value("sid=1", "sid"), "1");
  EXPECT_EQ(cookie_value("b=2;sid=1", "sid"), "1");
  EXPECT_EQ(cookie_value("xsid=1; sidx=2", "sid"), "");
  EXPECT_EQ(cookie_value("sid", "sid"), "");
  EXPECT_EQ(cookie_value("", "sid"), "");
}

}  // namespace
}  // namespace gateway::upstream
