#include "gateway/kubernetes/api_service_writer.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "fake_api.h"

namespace gateway::kubernetes {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr const char* kName = "v1beta2.custom.metrics.k8s.io";
constexpr const char* kPath =
    "/apis/apiregistration.k8s.io/v1/apiservices/v1beta2.custom.metrics.k8s.io";

std::string event(const std::string& service, const std::string& bundle = {}) {
  json object = {{"metadata", {{"name", kName}, {"resourceVersion", "5"}}},
                 {"spec", {{"service", {{"namespace", "edge"}, {"name", service}}}}}};
  if (!bundle.empty()) object["spec"]["caBundle"] = bundle;
  return json{{"type", "ADDED"}, {"object", object}}.dump() + "\n";
}

const std::string kEnd = R"({"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"6",)"
                         R"("annotations":{"k8s.io/initial-events-end":"true"}}}})"
                         "\n";

class ApiServiceWriterTest : public testing::Test {
 protected:
  /// What the API server has when we come.
  void list(const std::string& events) {
    writer_.set_authorities("pem");
    writer_.start();
    api_.open_stream();
    api_.say(events + kEnd);
  }

  test::Time time_;
  test::FakeApi api_;
  bool may_write_ = true;
  std::vector<std::string> remarks_;
  ApiServiceWriter writer_{time_.timers,
                           time_.random,
                           api_,
                           kName,
                           {"edge", "gateway-metrics"},
                           [this] { return may_write_; },
                           [this](const std::string& remark) { remarks_.push_back(remark); }};
};

TEST_F(ApiServiceWriterTest, PutsTheAuthoritiesIntoOurOwn) {
  list(event("gateway-metrics"));
  EXPECT_EQ(api_.waiting_path(), kPath);
  EXPECT_EQ(api_.last().request.method, http::Method::patch);
  EXPECT_EQ(json::parse(api_.last().request.body), json::parse(R"({"spec":{"caBundle":"cGVt"}})"));
}

TEST_F(ApiServiceWriterTest, LeavesAloneWhatSomebodyElseServes) {
  list(event("prometheus-adapter"));
  EXPECT_NE(api_.waiting_path(), kPath);
  EXPECT_THAT(remarks_, ElementsAre(HasSubstr("prometheus-adapter")));
}

TEST_F(ApiServiceWriterTest, WritesNothingThatIsThereAlready) {
  list(event("gateway-metrics", "cGVt"));
  EXPECT_NE(api_.waiting_path(), kPath);
}

TEST_F(ApiServiceWriterTest, WaitsUntilThereIsOne) {
  list("");
  EXPECT_NE(api_.waiting_path(), kPath);
  api_.say(event("gateway-metrics"));
  EXPECT_EQ(api_.waiting_path(), kPath);
}

TEST_F(ApiServiceWriterTest, WritesNothingUnlessItMay) {
  may_write_ = false;
  list(event("gateway-metrics"));
  EXPECT_NE(api_.waiting_path(), kPath);
  may_write_ = true;
  writer_.reconsider();
  EXPECT_EQ(api_.waiting_path(), kPath);
}

}  // namespace
}  // namespace gateway::kubernetes
