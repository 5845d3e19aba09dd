#include "gateway/kubernetes/objects.h"

#include <gmock/gmock.h>

#include "gateway/kubernetes/manifest.h"
#include "gateway/kubernetes/store.h"

namespace gateway::kubernetes {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

TEST(Objects, AnIngressIsRead) {
  const auto ingress = Ingress::parse(R"({"kind": "Ingress", "metadata": {"namespace": "prod",
    "name": "web", "uid": "u", "resourceVersion": "7", "generation": 2,
    "creationTimestamp": "2026-01-01T00:00:00Z", "managedFields": [{}],
    "annotations": {"nginx.ingress.kubernetes.io/use-regex": "true", "other/x": "y"}},
    "spec": {"ingressClassName": "nginx", "tls": [{"hosts": ["a.example"], "secretName": "cert"}],
    "defaultBackend": {"resource": {"kind": "Bucket", "name": "b"}},
    "rules": [{"host": "a.example", "http": {"paths": [
      {"path": "/x", "pathType": "Exact", "backend": {"service": {"name": "app", "port": {"number": 80}}}},
      {"path": "/y", "pathType": "Prefix", "backend": {"service": {"name": "app", "port": {"name": "web"}}}}
    ]}}]}})");
  ASSERT_TRUE(ingress) << ingress.error().detail;
  EXPECT_EQ(ingress->meta.object_name().to_string(), "prod/web");
  EXPECT_THAT(ingress->meta.annotations, SizeIs(1)) << "others' are not kept";
  EXPECT_EQ(*ingress->class_name, "nginx");
  EXPECT_EQ(ingress->default_backend->resource, "Bucket b");
  EXPECT_EQ(ingress->tls[0].secret, "cert");
  ASSERT_THAT(ingress->rules[0].paths, SizeIs(2));
  EXPECT_EQ(ingress->rules[0].paths[0].type, PathType::exact);
  EXPECT_EQ(ingress->rules[0].paths[0].backend.port, "80");
  EXPECT_EQ(ingress->rules[0].paths[1].backend.port, "web");
}

TEST(Objects, AnotherShapeIsRefusedWithItsPlace) {
  const auto error = [](std::string_view json) { return Ingress::parse(json).error().detail; };
  EXPECT_THAT(error(R"({"metadata": {"name": "a"}, "spec": {"rules": {}}})"),
              HasSubstr("spec.rules: expected a list"));
  EXPECT_THAT(error(R"({"metadata": {"name": "a"}, "spec": {"rules": [{"host": 5}]}})"),
              HasSubstr("spec.rules[0].host: expected a text"));
  EXPECT_THAT(error(R"({"metadata": {}})"), HasSubstr("metadata.name: expected a name"));
  EXPECT_THAT(error(R"({"metadata": {"name": "a")"), HasSubstr("Ingress: "));
  EXPECT_THAT(error("[]"), HasSubstr("expected an object"));
}

TEST(Objects, UnsaidConditionsMeanReadyAndServing) {
  const auto slice = EndpointSlice::parse(R"({"metadata": {"name": "s", "namespace": "prod",
    "labels": {"kubernetes.io/service-name": "app"}}, "addressType": "IPv4",
    "ports": [{"name": "", "port": 8080}], "endpoints": [
      {"addresses": ["10.0.0.1"], "targetRef": {"kind": "Pod", "uid": "p1"}},
      {"addresses": ["10.0.0.2"], "conditions": {"ready": false}},
      {"addresses": ["10.0.0.3"], "conditions": {"ready": false, "serving": true, "terminating": true}}
    ]})");
  ASSERT_TRUE(slice) << slice.error().detail;
  EXPECT_EQ(slice->service, "app");
  EXPECT_TRUE(slice->endpoints[0].ready && slice->endpoints[0].serving);
  EXPECT_EQ(slice->endpoints[0].target_uid, "p1");
  EXPECT_FALSE(slice->endpoints[1].serving) << "as ready, where nothing is said";
  EXPECT_TRUE(slice->endpoints[2].serving && slice->endpoints[2].terminating);
}

TEST(Objects, AnEndpointIsAPodOfItsSlicesNamespaceOrNone) {
  const auto slice = EndpointSlice::parse(R"({"metadata": {"name": "s", "namespace": "prod"},
    "addressType": "IPv4", "endpoints": [
      {"addresses": ["10.0.0.1"], "targetRef": {"kind": "Pod", "namespace": "prod", "name": "a"}},
      {"addresses": ["10.0.0.2"], "targetRef": {"kind": "Pod", "name": "b"}},
      {"addresses": ["10.0.0.3"], "targetRef": {"kind": "Pod", "namespace": "dev", "name": "c"}},
      {"addresses": ["10.0.0.4"], "targetRef": {"kind": "Node", "name": "d"}},
      {"addresses": ["10.0.0.5"]}]})");
  ASSERT_TRUE(slice) << slice.error().detail;
  std::vector<std::string> pods;
  for (const SliceEndpoint& each : slice->endpoints) pods.push_back(each.pod);
  EXPECT_THAT(pods, ElementsAre("a", "b", "", "", ""));
}

TEST(Objects, ASecretIsDecoded) {
  const auto secret = Secret::parse(R"({"metadata": {"name": "s"}, "type": "kubernetes.io/tls",
    "data": {"tls.crt": "Y2VydA==", "tls.key": "a2V5", "ca.crl": "bm8=", "other": "eA=="}})");
  ASSERT_TRUE(secret) << secret.error().detail;
  EXPECT_EQ(secret->value("tls.crt"), "cert");
  EXPECT_EQ(secret->value("tls.key"), "key");
  EXPECT_EQ(secret->value("ca.crl"), "no") << "what is revoked must not go unheard";
  EXPECT_THAT(secret->data, SizeIs(3)) << "what nobody reads is not kept";
  EXPECT_FALSE(Secret::parse(R"({"metadata": {"name": "s"}, "data": {"auth": "!"}})"));
}

TEST(Objects, AServiceIsRead) {
  const auto service = Service::parse(R"({"metadata": {"name": "s"}, "spec": {"clusterIP": "None",
    "selector": {"app": "x"}, "ports": [{"name": "web", "port": 80, "targetPort": "http", "nodePort": 30080},
    {"port": 81, "targetPort": 8081, "protocol": "UDP"}]}})");
  ASSERT_TRUE(service) << service.error().detail;
  EXPECT_TRUE(service->headless());
  EXPECT_EQ(service->ports[0].name, "web");
  EXPECT_EQ(service->ports[0].node_port, 30080);
  EXPECT_EQ(service->ports[1].protocol, "UDP");
}

TEST(Objects, ManifestsMayHoldManyDocumentsAndLists) {
  const auto objects = read_manifest("a.yaml", R"(# first
apiVersion: v1
kind: ConfigMap
metadata: {name: a}
data: {x: "1"}
---
# nothing
---
kind: List
items:
- kind: Service
  metadata: {name: b}
  spec: {ports: [{port: 80}]}
- {kind: Pod, metadata: {name: c}}
)");
  ASSERT_TRUE(objects) << objects.error();
  ASSERT_THAT(*objects, SizeIs(3));
  Store store;
  for (const std::string& json : *objects) EXPECT_TRUE(add_manifest(json, store));
  EXPECT_EQ(store.find<ConfigMap>({"default", "a"})->data.at("x"), "1");
  EXPECT_EQ(store.find<Service>({"default", "b"})->ports[0].port, 80);
  const auto broken = read_manifest("b.yaml", "a: 1\n---\nb: [\n");
  ASSERT_FALSE(broken);
  EXPECT_THAT(broken.error(), HasSubstr("b.yaml:"));
}

// As somebody else has it who writes of it what we do not read: `version`.
Service service(const std::string& name, std::uint16_t port, const std::string& version) {
  return *Service::parse(R"({"metadata": {"namespace": "prod", "name": ")" + name +
                         R"(", "resourceVersion": ")" + version + R"(", "generation": )" + version +
                         R"(, "labels": {"written": "x)" + version +
                         R"("}}, "spec": {"ports": [{"port": )" + std::to_string(port) + "}]}}");
}

TEST(StoreTest, VersionsRiseWithWhatIsReadAlone) {
  Store store;
  store.upsert(service("a", 80, "1"));
  EXPECT_EQ(store.model_version(), 1U);
  const Service* kept = store.find<Service>({"prod", "a"});
  store.upsert(service("a", 80, "2"));
  EXPECT_EQ(store.model_version(), 1U) << "somebody wrote a field that is not read";
  EXPECT_EQ(store.find<Service>({"prod", "a"}), kept) << "the same object";
  store.upsert(service("a", 81, "3"));
  EXPECT_EQ(store.model_version(), 2U);
  store.erase<Service>({"prod", "b"});
  EXPECT_EQ(store.model_version(), 2U);
  store.erase<Service>({"prod", "a"});
  EXPECT_EQ(store.model_version(), 3U);
}

TEST(StoreTest, SlicesHaveAVersionOfTheirOwn) {
  Store store;
  EndpointSlice slice;
  slice.meta.name = "s";
  store.upsert(slice);
  EXPECT_EQ(store.model_version(), 0U);
  EXPECT_EQ(store.endpoints_version(), 1U);
}

TEST(StoreTest, AListReplacesAll) {
  Store store;
  store.replace<Service>({service("a", 80, "1"), service("b", 80, "1")});
  const auto version = store.model_version();
  store.replace<Service>({service("b", 80, "9"), service("a", 80, "9")});
  EXPECT_EQ(store.model_version(), version);
  store.replace<Service>({service("b", 80, "9")});
  EXPECT_EQ(store.model_version(), version + 1);
  EXPECT_EQ(store.find<Service>({"prod", "a"}), nullptr);
}

}  // namespace
}  // namespace gateway::kubernetes
