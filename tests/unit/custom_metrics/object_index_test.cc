#include "gateway/custom_metrics/object_index.h"

#include <gtest/gtest.h>

namespace gateway::custom_metrics {
namespace {

class ObjectIndexTest : public testing::Test {
 protected:
  ObjectIndexTest() {
    ObjectListing listing;
    listing.objects = {
        {"networking.k8s.io", "ingresses", "prod", "web", {}, {{{"prod/web/0"}}, {{"prod/web/1"}}}},
        {"", "services", "prod", "web", {}, {{{"prod/web/0"}, 0.9}}},
        {"", "services", "prod", "alone", {}, {}},
        {"", "pods", "prod", "web-1", {{"app", "web"}}, {{{"prod/web/0"}, 0.5}}},
        {"", "pods", "prod", "web-2", {{"app", "web"}}, {{{"prod/web/0"}, 0.5}}},
        {"", "pods", "prod", "db", {{"app", "db"}, {"tier", "back"}}, {}},
        {"", "pods", "other", "far", {{"zone", "b"}}, {}},
    };
    listing.routes = {{"prod", {"prod/web/0", {{"host", "a.example"}}}},
                      {"prod", {"prod/web/1", {{"host", "b.example"}}}}};
    index_.publish(std::move(listing));
  }
  Result<std::vector<ResolvedObject>> find(std::string group, std::string resource,
                                           std::string name, std::string_view labels = {}) {
    return index_.find({std::move(group), std::move(resource), "prod", std::move(name),
                        LabelSelector::parse(labels).value()});
  }
  static ErrorCode code(const Result<std::vector<ResolvedObject>>& found) {
    return found ? ErrorCode::none : found.error().code;
  }
  std::string names(std::string_view labels) {
    const auto found = find("", "pods", "*", labels);
    std::string names;
    if (!found) return found.error().to_string();
    for (const ResolvedObject& each : *found) names += each.name + ' ';
    return names;
  }
  ObjectIndex index_;
};

TEST_F(ObjectIndexTest, AnObjectHasItsRoutes) {
  const auto ingress = find("networking.k8s.io", "ingresses", "web");
  ASSERT_TRUE(ingress);
  ASSERT_EQ(ingress->size(), 1U);
  EXPECT_EQ(ingress->front().routes, (std::vector<RoutePart>{{{"prod/web/0"}}, {{"prod/web/1"}}}));
  EXPECT_EQ(find("", "services", "web")->front().routes.front().share, 0.9);
  EXPECT_TRUE(find("", "services", "alone")->front().routes.empty());
}

TEST_F(ObjectIndexTest, OthersAreNotFound) {
  EXPECT_EQ(code(find("", "services", "none")), ErrorCode::not_found);
  EXPECT_EQ(code(find("extensions", "ingresses", "web")), ErrorCode::not_found);
  EXPECT_EQ(code(index_.find({"", "services", "elsewhere", "web", {}})), ErrorCode::not_found);
  EXPECT_EQ(code(index_.find({"", "services", "elsewhere", "*", {}})), ErrorCode::not_found);
}

TEST_F(ObjectIndexTest, SelectorsKnowTheLabelsOfTheNamespace) {
  EXPECT_EQ(names("app=web"), "web-1 web-2 ");
  EXPECT_EQ(names("app=web,tier!=back"), "web-1 web-2 ");
  EXPECT_EQ(names(""), "db web-1 web-2 ");
  EXPECT_EQ(names("app=nobody"), "");
  EXPECT_EQ(code(find("", "pods", "*", "ap=web")), ErrorCode::bad_request);
  EXPECT_EQ(code(find("", "pods", "*", "zone!=b")), ErrorCode::bad_request)
      << "that label is in another namespace: all pods would be taken";
}

TEST_F(ObjectIndexTest, ANamespaceIsAllItsRoutes) {
  const auto found = find("", "namespaces", "prod");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->front().routes.size(), 2U);
  EXPECT_EQ(code(find("", "namespaces", "empty")), ErrorCode::not_found);
}

TEST_F(ObjectIndexTest, RoutesAndTheirLabels) {
  EXPECT_EQ(index_.routes_of("prod").value().at(1),
            (LabelledRoute{"prod/web/1", {{"host", "b.example"}}}));
  EXPECT_TRUE(index_.routes_of("other").value().empty());
  EXPECT_EQ(index_.route_labels(), std::vector<std::string>{"host"});
}

TEST_F(ObjectIndexTest, AListingReplacesTheOneBefore) {
  index_.publish({});
  EXPECT_EQ(code(find("", "services", "web")), ErrorCode::not_found);
  EXPECT_TRUE(index_.route_labels().empty());
}

TEST(ObjectIndex, BeforeTheFirstListingNothingIsKnown) {
  ObjectIndex index;
  EXPECT_EQ(index.find({"", "services", "prod", "web", {}}).error().code, ErrorCode::no_endpoint);
  EXPECT_EQ(index.routes_of("prod").error().code, ErrorCode::no_endpoint);
  EXPECT_FALSE(index.kinds().empty()) << "discovery may never be empty";
}

}  // namespace
}  // namespace gateway::custom_metrics
