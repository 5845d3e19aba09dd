#include <gmock/gmock.h>

#include "fixtures.h"
#include "gateway/upstream/balancer.h"

namespace gateway::upstream {
namespace {

TEST(RandomChoice, DrawsByWeight) {
  Random random(1);
  const auto set = test::make_set({3, 1});
  const auto balancer = find_balancer("random")->make({}, *set, random);
  std::vector<int> counts(2);
  for (int i = 0; i < 4000; ++i) ++counts[balancer->pick({}, 0)];
  EXPECT_NEAR(counts[0], 3000, 100);
}

}  // namespace
}  // namespace gateway::upstream
