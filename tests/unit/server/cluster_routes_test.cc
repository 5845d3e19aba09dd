#include "gateway/server/cluster_routes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace gateway::server {
namespace {

using config::PolicySettings;
using config::Route;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

Route route_of(std::string name, std::vector<PolicySettings> filters = {}) {
  Route route;
  route.name = std::move(name);
  route.filters = std::move(filters);
  return route;
}

class ClusterRoutes : public ::testing::Test {
 protected:
  void cluster_has(Route route, bool open = false) {
    translation_.routes.push_back(std::move(route));
    translation_.origins.push_back({{"prod", "web"}, {}, open});
  }
  std::vector<std::string> filters(std::size_t route) const {
    std::vector<std::string> types;
    for (const PolicySettings& each : model_.routes[route].filters) types.push_back(each.type);
    return types;
  }

  config::Model model_;
  kubernetes::Translation translation_;
};

TEST_F(ClusterRoutes, ALoginOfEveryRouteHoldsEverywhereButWhereARouteIsOpen) {
  model_.filters = {{"request_id", {}}, {"token", {}}};
  model_.routes = {route_of("of the file")};
  cluster_has(route_of("closed", {{"body_limit", {}}}));
  cluster_has(route_of("open", {{"body_limit", {}}}), true);
  add_cluster_routes(model_, translation_);
  EXPECT_THAT(model_.filters, ElementsAre(PolicySettings{"request_id", {}}));
  ASSERT_EQ(model_.routes.size(), 3U);
  EXPECT_THAT(filters(0), ElementsAre("token"));
  EXPECT_THAT(filters(1), ElementsAre("token", "body_limit"));
  EXPECT_THAT(filters(2), ElementsAre("body_limit"));
}

TEST_F(ClusterRoutes, ALoginThatARouteRepeatsIsAskedForOnce) {
  model_.filters = {{"token", {}}};
  cluster_has(route_of("repeats", {{"token", {}}}));
  add_cluster_routes(model_, translation_);
  EXPECT_THAT(filters(0), ElementsAre("token"));
}

TEST_F(ClusterRoutes, FiltersThatAskNobodyStayThoseOfEveryRoute) {
  model_.filters = {{"request_id", {}}, {"allow_deny", {}}};
  cluster_has(route_of("web"), true);
  add_cluster_routes(model_, translation_);
  EXPECT_EQ(model_.filters.size(), 2U);
  EXPECT_THAT(filters(0), IsEmpty());
}

}  // namespace
}  // namespace gateway::server
