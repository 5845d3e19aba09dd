#include "gateway/config/masked.h"

#include <gtest/gtest.h>

#include "gateway/config/tables.h"
#include "tests/unit/config/sample_policies.h"

namespace gateway::config {
namespace {

using Map = Value::Map;

Model model_with(PolicySettings filter) {
  Model model;
  Route route;
  route.name = "r";
  route.filters = {std::move(filter)};
  route.matches.resize(1);
  route.matches[0].path = "/jobs";
  route.matches[0].headers = {{"X-Plan", "abc"}};
  route.matches[0].query = {{"preview", ".*abc", true}};
  model.routes.push_back(route);
  return model;
}

TEST(Masked, HidesWhatIsDeclaredSecretAndNothingElse) {
  Model model = model_with({"header_edits", Map{{"set", Map{{"X-Key", std::string("abc")}}}}});
  model.admin.token.file = "/run/token";
  Route other;
  other.name = "s";
  other.filters = {{"token", Map{{"upstream", std::string("key")}}}};
  model.routes.push_back(other);
  const Value shown = extract_masked(model, kSampleTables);
  const Value& route = shown["routes"].as<Value::List>()[0];
  EXPECT_EQ(route["filters"].as<Value::List>()[0],
            Value(Map{{"type", std::string("header_edits")},
                      {"options", Map{{"set", Map{{"X-Key", std::string("***")}}}}}}));
  const Value& match = route["matches"].as<Value::List>()[0];
  EXPECT_EQ(match["path_prefix"], Value(std::string("/jobs")));
  EXPECT_EQ(match["headers"].as<Value::List>()[0],
            Value(Map{{"name", std::string("X-Plan")}, {"value", std::string("***")}}));
  EXPECT_EQ(match["query"].as<Value::List>()[0],
            Value(Map{{"name", std::string("preview")}, {"regex", std::string("***")}}));
  EXPECT_EQ(shown["admin"]["token"], Value(Map{{"file", std::string("/run/token")}}));
  const Value& token = shown["routes"].as<Value::List>()[1]["filters"].as<Value::List>()[0];
  EXPECT_EQ(token["options"]["upstream"], Value(std::string("key")));
}

TEST(Masked, ShowsNothingThatNobodyDeclares) {
  const Map options{{"set", std::string("abc")}, {"other", std::int64_t{7}}};
  const Value unknown = extract_masked(model_with({"unheard_of", options}), kSampleTables);
  const Value& filter = unknown["routes"].as<Value::List>()[0]["filters"].as<Value::List>()[0];
  EXPECT_EQ(filter["options"],
            Value(Map{{"set", std::string("***")}, {"other", std::string("***")}}));
  EXPECT_EQ(masked(options, kBodyLimitFields)["other"], Value(std::string("***")));
}

TEST(Masked, KeepsAllOfAModelWithoutSecrets) {
  Model model;
  Upstream upstream;
  upstream.name = "u";
  upstream.balancer = {"consistent_hash", Map{{"by", std::string("address")}}};
  model.upstreams.push_back(std::move(upstream));
  model.filters = {{"request_id", Map{}}};
  EXPECT_EQ(extract_masked(model, kSampleTables), extract_options(model));
}

}  // namespace
}  // namespace gateway::config
