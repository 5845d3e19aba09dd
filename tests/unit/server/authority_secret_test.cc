#include "gateway/server/authority_secret.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "gateway/base/base64.h"
#include "unit/kubernetes/fake_api.h"

namespace gateway::server {
namespace {

using namespace std::chrono_literals;
using custom_metrics::SecretData;
using custom_metrics::ServingAuthority;
using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr const char* kSecrets = "/api/v1/namespaces/edge/secrets";

const std::string kEnd = R"({"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"6",)"
                         R"("annotations":{"k8s.io/initial-events-end":"true"}}}})"
                         "\n";

json secret(const SecretData& data, const std::string& version) {
  json encoded = json::object();
  for (const auto& [key, value] : data) encoded[key] = encode_base64(value);
  return {{"metadata",
           {{"namespace", "edge"}, {"name", "gateway-metrics"}, {"resourceVersion", version}}},
          {"type", "Opaque"},
          {"data", encoded}};
}

std::string event(const char* type, const json& object) {
  return json{{"type", type}, {"object", object}}.dump() + "\n";
}

class AuthoritySecretTest : public testing::Test {
 protected:
  /// What the API server has when we come.
  void list(const std::string& events) {
    secret_.start();
    api_.open_stream();
    api_.say(events + kEnd);
  }
  static SecretData a_good_one() {
    return ServingAuthority::renewed({}, std::time(nullptr)).value().value();
  }

  kubernetes::test::Time time_;
  kubernetes::test::FakeApi api_;
  bool may_write_ = true;
  std::vector<custom_metrics::ServingMaterial> made_;
  std::vector<std::string> remarks_;
  AuthoritySecret secret_{
      time_.timers,
      time_.random,
      api_,
      {"edge", "gateway-metrics"},
      {"gateway-metrics.edge.svc"},
      {[this] { return may_write_; },
       [this](const custom_metrics::ServingMaterial& made) { made_.push_back(made); },
       [this](const std::string& remark) { remarks_.push_back(remark); }}};
};

TEST_F(AuthoritySecretTest, MakesTheSecretThatIsNotThereAndUsesItOnceItIs) {
  list("");
  EXPECT_EQ(api_.waiting_path(), kSecrets);
  EXPECT_EQ(api_.last().request.method, http::Method::post);
  EXPECT_THAT(made_, IsEmpty()) << "nobody else could know the authority yet";
  json written = json::parse(api_.last().request.body);
  api_.answer(201, written.dump());
  written["metadata"]["resourceVersion"] = "7";
  api_.say_at(kSecrets, event("ADDED", written));
  ASSERT_EQ(made_.size(), 1U);
  EXPECT_THAT(made_[0].trusted, HasSubstr("BEGIN CERTIFICATE"));
}

TEST_F(AuthoritySecretTest, UsesOneThatIsThere) {
  list(event("ADDED", secret(a_good_one(), "5")));
  EXPECT_EQ(made_.size(), 1U);
  EXPECT_EQ(api_.count(), 1U) << "the watch alone";
}

TEST_F(AuthoritySecretTest, LeavesWritingToTheReplicaThatMay) {
  may_write_ = false;
  list("");
  EXPECT_EQ(api_.count(), 1U);
  may_write_ = true;
  secret_.reconsider();
  EXPECT_EQ(api_.waiting_path(), kSecrets);
}

TEST_F(AuthoritySecretTest, ReadsAgainWhenAnotherWasQuicker) {
  list("");
  api_.answer(409);
  EXPECT_EQ(api_.count(), 2U);
  api_.say_at(kSecrets, event("ADDED", secret(a_good_one(), "7")));
  EXPECT_EQ(made_.size(), 1U);
  EXPECT_EQ(api_.count(), 2U);
}

TEST_F(AuthoritySecretTest, TakesUpAnotherAuthority) {
  list(event("ADDED", secret(a_good_one(), "5")));
  api_.say(event("MODIFIED", secret(a_good_one(), "8")));
  ASSERT_EQ(made_.size(), 2U);
  EXPECT_NE(made_[0].trusted, made_[1].trusted);
}

TEST_F(AuthoritySecretTest, NeverOverwritesWhatItCannotRead) {
  list(event("ADDED", secret({{"ca.crt", "somebody's"}, {"ca.key", "else"}}, "5")));
  EXPECT_EQ(api_.count(), 1U);
  EXPECT_THAT(made_, IsEmpty());
  EXPECT_THAT(remarks_, ElementsAre(HasSubstr("edge/gateway-metrics")));
}

TEST_F(AuthoritySecretTest, MakesAnotherInPlaceOfOneThatWasDeleted) {
  const json first = secret(a_good_one(), "5");
  list(event("ADDED", first));
  api_.say(event("DELETED", first));
  EXPECT_EQ(api_.waiting_path(), kSecrets);
  EXPECT_EQ(api_.last().request.method, http::Method::post);
}

TEST_F(AuthoritySecretTest, TriesAgainWhatFailed) {
  list("");
  api_.answer(503);
  time_.run(2s);
  EXPECT_EQ(api_.count(), 3U);
  EXPECT_THAT(remarks_, ElementsAre(HasSubstr("503")));
}

}  // namespace
}  // namespace gateway::server
