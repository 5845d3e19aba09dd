#include "gateway/server/cluster_metrics.h"

#include <gmock/gmock.h>

namespace gateway::server {
namespace {

using custom_metrics::ListedObject;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// A translation of routes, each "name", of an Ingress and to a Service.
class ListingTest : public testing::Test {
 protected:
  void add(const std::string& route, const std::string& ingress, const std::string& service) {
    config::Route made;
    made.name = route;
    translation_.routes.push_back(std::move(made));
    kubernetes::RouteOrigin origin{{"prod", ingress}, {}, false};
    if (!service.empty()) origin.service = {"prod", service};
    translation_.origins.push_back(std::move(origin));
    make_ours(ingress);
  }
  void make_ours(const std::string& ingress) {
    auto ours = *translation_.ours;
    ours.insert({"prod", ingress});
    translation_.ours = std::make_shared<const std::set<kubernetes::ObjectName>>(std::move(ours));
  }
  std::vector<std::string> routes_of(const std::string& resource, const std::string& name) {
    const auto listing = listing_of(translation_);
    std::vector<std::string> routes;
    for (const ListedObject& object : listing.objects)
      if (object.resource == resource && object.name == name)
        for (const auto& part : object.routes) routes.push_back(part.of.route);
    return routes;
  }

  kubernetes::Translation translation_;
};

TEST_F(ListingTest, AnIngressIsTheSumOfItsRoutes) {
  add("a", "web", "app");
  add("b", "web", "other");
  EXPECT_THAT(routes_of("ingresses", "web"), ElementsAre("a", "b"));
}

TEST_F(ListingTest, AServiceIsTheSumOfTheRoutesOfAllIngresses) {
  add("a", "web", "app");
  add("b", "shop", "app");
  EXPECT_THAT(routes_of("services", "app"), ElementsAre("a", "b"));
}

TEST_F(ListingTest, ARedirectIsOfItsIngressAndOfNoService) {
  add("a", "web", "");
  EXPECT_THAT(routes_of("ingresses", "web"), ElementsAre("a"));
  EXPECT_THAT(routes_of("services", ""), IsEmpty());
}

TEST_F(ListingTest, AnIngressWithoutRoutesIsListed) {
  make_ours("empty");
  const auto listing = listing_of(translation_);
  ASSERT_EQ(listing.objects.size(), 1U);
  EXPECT_THAT(listing.objects[0].routes, IsEmpty());
}

TEST_F(ListingTest, RoutesSayWhatTheyAreMadeOf) {
  add("a", "web", "app");
  const auto listing = listing_of(translation_);
  ASSERT_EQ(listing.routes.size(), 1U);
  EXPECT_EQ(listing.routes[0].name_space, "prod");
  EXPECT_EQ(listing.routes[0].route.labels.at("ingress"), "web");
  EXPECT_EQ(listing.routes[0].route.labels.at("service"), "app");
}

}  // namespace
}  // namespace gateway::server
