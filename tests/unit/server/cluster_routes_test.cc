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

TEST_F(ClusterRoutes, OneThatAsksForCertificatesWhereTheFileDoesIsShutAlone) {
  const std::vector<PolicySettings> certificate = {{"client_certificate", {}}};
  const auto on = [](const std::string& host, Route route) {
    route.hosts = {host};
    route.forward = {{"app", 1}};
    return route;
  };
  model_.routes = {on("a.example", route_of("of the file", certificate))};
  cluster_has(on("a.example", route_of("clashes", certificate)));
  cluster_has(on("b.example", route_of("of another host", certificate)));
  cluster_has(on("a.example", route_of("asks for nothing")));
  add_cluster_routes(model_, translation_);
  ASSERT_EQ(model_.routes.size(), 4U);
  EXPECT_THAT(filters(0), ElementsAre("client_certificate"));
  ASSERT_TRUE(model_.routes[1].respond);
  EXPECT_EQ(model_.routes[1].respond->status, 503);
  EXPECT_THAT(filters(1), IsEmpty());
  EXPECT_THAT(filters(2), ElementsAre("client_certificate"));
  EXPECT_FALSE(model_.routes[3].respond);
}

TEST_F(ClusterRoutes, WhereTheFileAsksEverywhereNoneAsksOtherwise) {
  model_.filters = {{"client_certificate", {}}};
  cluster_has(route_of("clashes", {{"client_certificate", {}}}));
  cluster_has(route_of("asks for nothing"));
  add_cluster_routes(model_, translation_);
  ASSERT_TRUE(model_.routes[0].respond);
  EXPECT_EQ(model_.routes[0].respond->status, 503);
  EXPECT_THAT(filters(1), ElementsAre("client_certificate"));
}

}  // namespace
}  // namespace gateway::server
