#include "gateway/kubernetes/controller.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "fake_api.h"

namespace gateway::kubernetes::controller_test {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr const char* kIngresses = "/apis/networking.k8s.io/v1/ingresses?";
constexpr const char* kClasses = "/apis/networking.k8s.io/v1/ingressclasses?";
constexpr const char* kServices = "/api/v1/services?";
constexpr const char* kSlices = "/apis/discovery.k8s.io/v1/endpointslices?";
constexpr const char* kSecrets = "/api/v1/secrets?";
/// The one Secret that is asked for by its name.
constexpr const char* kSecret = "/api/v1/namespaces/prod/secrets?";
constexpr const char* kStatus = "/apis/networking.k8s.io/v1/namespaces/prod/ingresses/web/status";
constexpr const char* kPeers = "/apis/discovery.k8s.io/v1/namespaces/edge/endpointslices?";
constexpr const char* kTeam = "/api/v1/namespaces/prod/configmaps?";

const std::string kEnd = R"({"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"6",)"
                         R"("annotations":{"k8s.io/initial-events-end":"true"}}}})"
                         "\n";

std::string event(const char* type, const json& object) {
  return json{{"type", type}, {"object", object}}.dump() + "\n";
}

json meta(const std::string& name) {
  return {{"namespace", "prod"}, {"name", name}, {"uid", name}, {"resourceVersion", "1"}};
}

json ingress(const std::string& name, const std::string& host) {
  const json backend = {{"service", {{"name", "app"}, {"port", {{"number", 80}}}}}};
  return {{"metadata", meta(name)},
          {"spec",
           {{"ingressClassName", "ours"},
            {"rules",
             {{{"host", host},
               {"http",
                {{"paths", {{{"path", "/"}, {"pathType", "Prefix"}, {"backend", backend}}}}}}}}}}}};
}

json ingress_class() {
  return {{"metadata", {{"name", "ours"}, {"resourceVersion", "1"}}},
          {"spec", {{"controller", "gateway.ingress/controller"}}}};
}

json service() {
  return {{"metadata", meta("app")},
          {"spec", {{"ports", {{{"name", "http"}, {"port", 80}, {"targetPort", 8080}}}}}}};
}

json slice(const std::vector<std::string>& addresses) {
  json endpoints = json::array();
  for (const std::string& each : addresses)
    endpoints.push_back({{"addresses", {each}}, {"conditions", {{"ready", true}}}});
  json made = {{"metadata", meta("app-1")},
               {"addressType", "IPv4"},
               {"ports", {{{"name", "http"}, {"port", 8080}}}},
               {"endpoints", std::move(endpoints)}};
  made["metadata"]["labels"]["kubernetes.io/service-name"] = "app";
  return made;
}

json certificate(const std::string& name, const std::string& content = "Y2VydA==") {
  return {{"metadata", meta(name)},
          {"type", "kubernetes.io/tls"},
          {"data", {{"tls.crt", content}, {"tls.key", "a2V5"}}}};
}

json ingress_with_tls(const std::string& name, const std::string& host, const std::string& secret) {
  json made = ingress(name, host);
  made["spec"]["tls"] = json::array({{{"hosts", {host}}, {"secretName", secret}}});
  return made;
}

class Listener final : public ControllerListener {
 public:
  void on_translation(std::shared_ptr<const Translation> translation) override {
    translations.push_back(std::move(translation));
  }
  void on_endpoints(Translator::EndpointUpdate update) override {
    updates.push_back(std::move(update));
  }
  void on_leadership() override {}
  void on_remark(const std::string& remark) override { remarks.push_back(remark); }

  std::vector<std::shared_ptr<const Translation>> translations;
  std::vector<Translator::EndpointUpdate> updates;
  std::vector<std::string> remarks;
};

class ControllerTest : public testing::Test {
 protected:
  ControllerTest() {
    settings_.translator.plain_listeners = {"http"};
    settings_.translator.tls_listeners = {"https"};
    settings_.shadow = true;
    settings_.own_namespace = "edge";
    settings_.identity = "gateway-0";
  }
  void start() {
    controller_ = std::make_unique<Controller>(time_.timers, time_.random, time_.clock, api_,
                                               settings_, listener_);
    controller_->start();
  }
  void list(const char* path, const std::string& events = {}) {
    api_.open_stream_at(path);
    api_.say_at(path, events + kEnd);
  }
  void list_all() {
    list(kClasses, event("ADDED", ingress_class()));
    list(kServices, event("ADDED", service()));
    list(kSlices, event("ADDED", slice({"10.0.0.1"})));
    list(kSecrets);
    list(kIngresses, event("ADDED", ingress("web", "a.example")));
    time_.run(200ms);
  }
  /// It gets the Lease.
  void lead() {
    api_.answer_at("/apis/coordination.k8s.io/v1/namespaces/edge/leases/gateway", 404);
    const json lease = {{"metadata", {{"name", "gateway"}, {"resourceVersion", "1"}}},
                        {"spec", {{"holderIdentity", "gateway-0"}, {"leaseDurationSeconds", 15}}}};
    api_.answer_at("/apis/coordination.k8s.io/v1/namespaces/edge/leases", 201, lease.dump());
  }
  /// Its content; empty when it is not kept.
  std::string kept_certificate(const std::string& name) {
    const Secret* secret = controller_->store().find<Secret>({"prod", name});
    return secret == nullptr ? "" : secret->value("tls.crt");
  }
  /// An Ingress names a ConfigMap that nobody has read yet.
  void begin_to_name_team() {
    json named = ingress("web", "a.example");
    named["metadata"]["annotations"]["gateway.ingress/custom-headers"] = "team";
    api_.say_at(kIngresses, event("MODIFIED", named));
  }
  const Translation& last() { return *listener_.translations.back(); }
  std::vector<std::string> hosts() {
    std::vector<std::string> all;
    for (const config::Route& route : last().routes)
      all.insert(all.end(), route.hosts.begin(), route.hosts.end());
    return all;
  }

  test::Time time_;
  test::FakeApi api_;
  ControllerSettings settings_;
  Listener listener_;
  std::unique_ptr<Controller> controller_;
};

TEST_F(ControllerTest, SaysNothingBeforeEverythingHasBeenListed) {
  start();
  list(kClasses, event("ADDED", ingress_class()));
  list(kServices, event("ADDED", service()));
  list(kIngresses, event("ADDED", ingress("web", "a.example")));
  list(kSecrets);
  time_.run(5s);
  EXPECT_FALSE(controller_->synced());
  EXPECT_THAT(listener_.translations, IsEmpty());
  list(kSlices, event("ADDED", slice({"10.0.0.1"})));
  time_.run(200ms);
  EXPECT_TRUE(controller_->synced());
  ASSERT_EQ(listener_.translations.size(), 1U);
  EXPECT_THAT(hosts(), Contains("a.example"));
}

TEST_F(ControllerTest, MakesOneTranslationOfChangesThatComeTogether) {
  start();
  list_all();
  api_.say_at(kIngresses, event("ADDED", ingress("b", "b.example")));
  api_.say_at(kIngresses, event("ADDED", ingress("c", "c.example")));
  time_.run(200ms);
  EXPECT_EQ(listener_.translations.size(), 2U);
  EXPECT_THAT(hosts(), Contains("b.example"));
  EXPECT_THAT(hosts(), Contains("c.example"));
}

TEST_F(ControllerTest, WaitsForWhatAnIngressBeginsToName) {
  start();
  list_all();
  begin_to_name_team();
  time_.run(1s);
  EXPECT_EQ(listener_.translations.size(), 1U);
  api_.open_stream_at(kTeam);
  api_.say_at(kTeam,
              event("ADDED", {{"metadata", meta("team")}, {"data", {{"X-Team", "blue"}}}}) + kEnd);
  time_.run(200ms);
  ASSERT_EQ(listener_.translations.size(), 2U);
  EXPECT_THAT(last().notices, IsEmpty());
}

TEST_F(ControllerTest, DoesNotWaitForEverForWhatCannotBeRead) {
  start();
  list_all();
  begin_to_name_team();
  time_.run(4s);
  ASSERT_EQ(listener_.translations.size(), 2U);
  EXPECT_THAT(last().notices, testing::SizeIs(1));
  api_.say_at(kIngresses, event("ADDED", ingress("b", "b.example")));
  time_.run(200ms);
  EXPECT_THAT(hosts(), Contains("b.example"));
}

TEST_F(ControllerTest, DoesNotWaitForEverWhileChangesGoOn) {
  start();
  list_all();
  for (int i = 0; i < 40; ++i) {
    api_.say_at(kIngresses,
                event("MODIFIED", ingress("web", "h" + std::to_string(i) + ".example")));
    time_.run(10ms);
  }
  EXPECT_GE(listener_.translations.size(), 3U);
}

TEST_F(ControllerTest, TellsEndpointsWithoutTranslatingAnew) {
  start();
  list_all();
  api_.say_at(kSlices, event("MODIFIED", slice({"10.0.0.1", "10.0.0.2"})));
  time_.run(200ms);
  EXPECT_EQ(listener_.translations.size(), 1U);
  ASSERT_EQ(listener_.updates.size(), 1U);
  ASSERT_EQ(listener_.updates[0].endpoints.size(), 1U);
  EXPECT_EQ(listener_.updates[0].endpoints.begin()->second->size(), 2U);
}

TEST_F(ControllerTest, SaysNothingWhenNothingChanged) {
  start();
  list_all();
  json again = ingress("web", "a.example");
  again["metadata"]["resourceVersion"] = "9";
  again["metadata"]["managedFields"] = json::array({{{"manager", "somebody"}}});
  api_.say_at(kIngresses, event("MODIFIED", again));
  time_.run(1s);
  EXPECT_EQ(listener_.translations.size(), 1U);
}

TEST_F(ControllerTest, ForgetsWhatWasDeleted) {
  start();
  list_all();
  api_.say_at(kIngresses, event("DELETED", ingress("web", "a.example")));
  time_.run(200ms);
  EXPECT_THAT(hosts(), testing::Not(Contains("a.example")));
}

TEST_F(ControllerTest, PassesOverAnObjectThatCannotBeRead) {
  start();
  list_all();
  json broken = ingress("broken", "b.example");
  broken["spec"]["rules"] = "none";
  api_.say_at(kIngresses, event("ADDED", broken));
  api_.say_at(kIngresses, event("ADDED", ingress("c", "c.example")));
  time_.run(200ms);
  EXPECT_THAT(hosts(), Contains("c.example"));
  EXPECT_THAT(listener_.remarks, Contains(HasSubstr("cannot be read")));
}

TEST_F(ControllerTest, WritesNothingInShadow) {
  settings_.publish_addresses = {{"192.0.2.1", ""}};
  start();
  list_all();
  time_.run(30s);
  EXPECT_FALSE(api_.was_asked("/apis/coordination.k8s.io"));
  EXPECT_FALSE(api_.was_asked("/apis/events.k8s.io"));
  EXPECT_FALSE(api_.was_asked(kStatus));
}

TEST_F(ControllerTest, WritesStatusWhenItLeads) {
  settings_.shadow = false;
  settings_.publish_addresses = {{"192.0.2.1", ""}};
  start();
  list_all();
  EXPECT_FALSE(api_.was_asked(kStatus));
  lead();
  EXPECT_TRUE(controller_->is_leader());
  EXPECT_TRUE(api_.was_asked(kStatus));
}

TEST_F(ControllerTest, WritesTheAddressesOfNodesOnceTheyAreKnown) {
  settings_.shadow = false;
  settings_.publish_nodes_of = ObjectName{"edge", "gateway-peers"};
  start();
  list_all();
  lead();
  EXPECT_FALSE(api_.was_asked(kStatus));
  const json peer = {{"nodeName", "one"}, {"conditions", {{"serving", true}}}};
  json peers = {{"metadata", meta("peers-1")}, {"endpoints", json::array({peer})}};
  list(kPeers, event("ADDED", peers));
  EXPECT_FALSE(api_.was_asked(kStatus));
  const json address = {{"type", "InternalIP"}, {"address", "10.1.0.1"}};
  const json node = {{"metadata", {{"name", "one"}, {"resourceVersion", "1"}}},
                     {"status", {{"addresses", json::array({address})}}}};
  list("/api/v1/nodes?", event("ADDED", node));
  ASSERT_TRUE(api_.was_asked(kStatus));
  EXPECT_THAT(api_.last().request.body, HasSubstr("10.1.0.1"));
}

TEST_F(ControllerTest, AsksForNoNodesWhereAnotherReplicaWrites) {
  settings_.shadow = false;
  settings_.publish_nodes_of = ObjectName{"edge", "gateway-peers"};
  start();
  list_all();
  EXPECT_FALSE(api_.was_asked(kPeers));
  lead();
  EXPECT_TRUE(api_.was_asked(kPeers));
  list(kPeers, "");
  ASSERT_TRUE(api_.is_open(kPeers));
  controller_->release([] {});
  EXPECT_FALSE(controller_->is_leader());
  EXPECT_FALSE(api_.is_open(kPeers));
}

TEST_F(ControllerTest, AsksForNoNodesWhereAddressesAreGiven) {
  settings_.shadow = false;
  settings_.publish_nodes_of = ObjectName{"edge", "gateway-peers"};
  settings_.publish_addresses = {{"192.0.2.1", ""}};
  start();
  list_all();
  lead();
  EXPECT_FALSE(api_.was_asked(kPeers));
}

TEST_F(ControllerTest, KeepsNoCertificateThatNobodyNames) {
  start();
  list(kSecrets, event("ADDED", certificate("web-tls")) + event("ADDED", certificate("other")));
  list(kClasses, event("ADDED", ingress_class()));
  list(kServices, event("ADDED", service()));
  list(kSlices, event("ADDED", slice({"10.0.0.1"})));
  list(kIngresses, event("ADDED", ingress_with_tls("web", "a.example", "web-tls")));
  time_.run(200ms);
  EXPECT_EQ(kept_certificate("web-tls"), "cert");
  EXPECT_EQ(kept_certificate("other"), "");
  api_.say_at(kSecrets, event("MODIFIED", certificate("other", "bmV3")));
  time_.run(200ms);
  EXPECT_EQ(kept_certificate("other"), "");
  EXPECT_EQ(listener_.translations.size(), 1U) << "nobody would notice";
  api_.say_at(kSecrets, event("MODIFIED", certificate("web-tls", "bmV3")));
  api_.say_at(kIngresses, event("DELETED", ingress("web", "a.example")));
  time_.run(200ms);
  EXPECT_EQ(kept_certificate("web-tls"), "") << "nobody names it any more";
  EXPECT_EQ(listener_.translations.size(), 2U);
}

TEST_F(ControllerTest, ReadsACertificateThatSomebodyBeginsToName) {
  start();
  list_all();
  api_.say_at(kSecrets, event("ADDED", certificate("old")));
  time_.run(200ms);
  EXPECT_EQ(kept_certificate("old"), "");
  const std::size_t before = listener_.translations.size();
  api_.say_at(kIngresses, event("ADDED", ingress_with_tls("b", "b.example", "old")));
  time_.run(1s);
  EXPECT_EQ(listener_.translations.size(), before) << "not before its certificate is there";
  list(kSecret, event("ADDED", certificate("old")));
  time_.run(200ms);
  EXPECT_EQ(kept_certificate("old"), "cert");
  EXPECT_THAT(hosts(), Contains("b.example"));
  api_.say_at(kSecrets, event("MODIFIED", certificate("old", "bmV3")));
  time_.run(200ms);
  EXPECT_EQ(kept_certificate("old"), "new");
  api_.say_at(kSecrets, event("DELETED", certificate("old")));
  time_.run(200ms);
  EXPECT_EQ(kept_certificate("old"), "");
}

TEST_F(ControllerTest, KeepsACertificateThatComesJustBeforeWhoNamesIt) {
  start();
  list_all();
  api_.say_at(kSecrets, event("ADDED", certificate("fresh")));
  api_.say_at(kIngresses, event("ADDED", ingress_with_tls("b", "b.example", "fresh")));
  time_.run(200ms);
  EXPECT_EQ(kept_certificate("fresh"), "cert");
  EXPECT_FALSE(api_.was_asked(kSecret));
}

TEST_F(ControllerTest, ANewListOfCertificatesLeavesOtherSecretsAlone) {
  start();
  list_all();
  json named = ingress("web", "a.example");
  named["metadata"]["annotations"] = {{"gateway.ingress/auth-type", "basic"},
                                      {"gateway.ingress/auth-secret", "users"}};
  api_.say_at(kIngresses, event("MODIFIED", named));
  time_.run(200ms);
  list(kSecret,
       event("ADDED",
             {{"metadata", meta("users")}, {"type", "Opaque"}, {"data", {{"auth", "YW5u"}}}}));
  time_.run(200ms);
  api_.say_at(kSecrets, event("ERROR", {{"kind", "Status"}, {"code", 410}}));
  time_.run(5s);
  list(kSecrets, event("ADDED", certificate("other")));
  time_.run(200ms);
  EXPECT_NE(controller_->store().find<Secret>({"prod", "users"}), nullptr);
}

TEST_F(ControllerTest, WatchesOnlyTheNamespacesThatItIsGiven) {
  settings_.namespaces = {"prod"};
  start();
  EXPECT_FALSE(api_.was_asked(kIngresses));
  EXPECT_FALSE(api_.was_asked(kSecrets));
  EXPECT_TRUE(api_.was_asked("/apis/networking.k8s.io/v1/namespaces/prod/ingresses?"));
  EXPECT_TRUE(api_.was_asked("/api/v1/namespaces/prod/secrets?"));
}

}  // namespace
}  // namespace gateway::kubernetes::controller_test
