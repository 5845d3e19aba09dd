#include "tests/unit/kubernetes_translator/cluster.h"

namespace gateway::kubernetes {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// App A asks App B about tokens; whatever else leads to App B must not be served.
class Private : public Cluster {
 protected:
  Private() {
    add_service("app-b", 8080, {"10.0.0.66"});
    add({.name = "app-a", .notes = {{"token-auth-upstream", "app-b:8080"}}});
  }
  void expect_refused(std::string_view host) {
    EXPECT_THAT(routes(), Contains(std::string(host) + " -> 503"));
    EXPECT_THAT(notices(), Contains(HasSubstr("PrivateBackend")));
    EXPECT_THAT(routes(), Contains("a.example prefix / -> prod/app:80")) << "the neighbour serves";
  }
};

TEST_F(Private, TheTokenFilterAsksIt) {
  const config::Value* token = filter("token");
  ASSERT_NE(token, nullptr);
  EXPECT_EQ((*token)["upstream"].as<std::string>(), "prod/app-b:8080");
  EXPECT_TRUE(upstream("prod/app-b:8080")->private_);
  EXPECT_THAT(addresses("prod/app-b:8080"), ElementsAre("10.0.0.66:8080"));
  EXPECT_TRUE(translation_.reserved.contains(SocketAddress::parse("10.0.0.66:8080").value()));
  EXPECT_THAT(notices(), IsEmpty());
}

TEST_F(Private, ByItsName) {
  add({.name = "x", .host = "x.example", .service = "app-b:8080"});
  expect_refused("x.example prefix /");
}

TEST_F(Private, ByAnotherServiceOnTheSamePods) {
  add_service("twin", 8080, {"10.0.0.1", "10.0.0.66"});
  add({.name = "x", .host = "x.example", .service = "twin:8080"});
  expect_refused("x.example prefix /");
}

TEST_F(Private, ByAHandMadeSliceInAnotherNamespace) {
  add_service("evil", 8080, {"10.0.0.66"}, "dev");
  add({.name = "x", .host = "x.example", .service = "evil:8080", .ns = "dev"});
  expect_refused("x.example prefix /");
}

TEST_F(Private, ByItsClusterAddress) {
  Service service = *store_.find<Service>({"prod", "app-b"});
  service.cluster_ips = {"10.96.0.7"};
  store_.upsert(service);
  add_service("evil", 8080, {"10.96.0.7"}, "dev");
  add({.name = "x", .host = "x.example", .service = "evil:8080", .ns = "dev"});
  expect_refused("x.example prefix /");
}

// Where nodes are is not read: the number of the port is enough.
TEST_F(Private, ByANodePort) {
  Service service = *store_.find<Service>({"prod", "app-b"});
  service.type = "NodePort";
  service.ports[0].node_port = 30080;
  store_.upsert(service);
  add_service("evil", 30080, {"192.0.2.10"}, "dev");
  add({.name = "x", .host = "x.example", .service = "evil:30080", .ns = "dev"});
  expect_refused("x.example prefix /");
  add_service("evil", 30081, {"192.0.2.10"}, "dev");
  add({.name = "x", .host = "x.example", .service = "evil:30081", .ns = "dev"});
  EXPECT_THAT(routes(), Contains("x.example prefix / -> dev/evil:30081"));
  EndpointSlice slice = *store_.find<EndpointSlice>({"dev", "evil-slice"});
  slice.ports[0].port = 30080;
  store_.upsert(slice);
  EXPECT_FALSE(translator_->endpoints(store_)) << "a later slice is no way around";
}

TEST_F(Private, ByTheNameOfItsLoadBalancer) {
  settings_.allow_external_names = true;
  apply(R"(
kind: Service
metadata: {name: app-b, namespace: prod}
spec: {type: LoadBalancer, ports: [{port: 8080, nodePort: 30080}]}
status: {loadBalancer: {ingress: [{hostname: lb.example.net}]}}
---
kind: Service
metadata: {name: outside, namespace: dev}
spec: {type: ExternalName, externalName: lb.example.net, ports: [{port: 8080}]}
---
kind: Service
metadata: {name: node, namespace: dev}
spec: {type: ExternalName, externalName: node-1.example.net, ports: [{port: 30080}]}
)");
  for (const char* service : {"outside:8080", "node:30080"}) {
    add({.name = "x", .host = "x.example", .service = service, .ns = "dev"});
    expect_refused("x.example prefix /");
  }
}

TEST_F(Private, ByAnExternalName) {
  settings_.allow_external_names = true;
  for (const char* name : {"app-b.prod.svc.cluster.local", "app-b.prod.svc", "10.0.0.66",
                           "app-b.prod.svc.cluster.local."}) {
    Service service;
    service.meta.namespace_ = "dev";
    service.meta.name = "outside";
    service.type = "ExternalName";
    service.external_name = name;
    store_.upsert(service);
    add({.name = "x", .host = "x.example", .service = "outside:8080", .ns = "dev"});
    expect_refused("x.example prefix /");
  }
}

TEST_F(Private, ByTheDefaultBackendOfAnIngress) {
  Ingress ingress = make({.name = "x", .host = "x.example", .path = "/y"});
  ingress.default_backend = Backend{"app-b", "8080", ""};
  store_.upsert(ingress);
  expect_refused("x.example prefix /");
}

TEST_F(Private, ByTheDefaultBackendOfTheClass) {
  settings_.default_backend = "prod/app-b:8080";
  EXPECT_THAT(routes(), Contains("* prefix / -> 503"));
}

TEST_F(Private, ByACanary) {
  add({.name = "x",
       .service = "app-b:8080",
       .notes = {{"canary", "true"}, {"canary-weight", "50"}}});
  EXPECT_THAT(routes(), ElementsAre("a.example prefix / -> prod/app:80"));
  EXPECT_THAT(notices(), ElementsAre(HasSubstr("prod/x PrivateBackend")));
}

TEST_F(Private, ByAuthUrl) {
  add({.name = "x",
       .host = "x.example",
       .notes = {{"auth-url", "http://app-b.prod.svc.cluster.local:8080/auth"}}});
  EXPECT_THAT(routes(), Contains("x.example prefix / -> 503"));
  for (const config::PolicySettings& filter : route("prod/x:x.example/")->filters)
    EXPECT_NE(filter.type, "external_auth");
}

TEST_F(Private, EvenWhileItsIngressIsRefused) {
  store_.replace<Ingress>(
      {make({.name = "app-a",
             .notes = {{"token-auth-upstream", "app-b:8080"}, {"server-snippet", "x"}}}),
       make({.name = "x", .host = "x.example", .service = "app-b:8080"})});
  EXPECT_THAT(routes(), ElementsAre("a.example prefix / -> 503", "x.example prefix / -> 503"));
}

TEST_F(Private, AnAddressThatBecomesPrivateNeedsATranslation) {
  add_service("twin", 8080, {"10.0.0.1"});
  add({.name = "x", .host = "x.example", .service = "twin:8080"});
  translate();
  EXPECT_TRUE(translator_->endpoints(store_));
  add_service("twin", 8080, {"10.0.0.66"});
  EXPECT_FALSE(translator_->endpoints(store_));
  expect_refused("x.example prefix /");
  add_service("twin", 8080, {"10.0.0.1"});
  EXPECT_FALSE(translator_->endpoints(store_)) << "else it would be refused for ever";
  EXPECT_THAT(routes(), Contains("x.example prefix / -> prod/twin:8080"));
}

TEST_F(Private, AnotherPortOfThePodIsNot) {
  add_service("metrics", 9090, {"10.0.0.66"});
  add({.name = "x", .host = "x.example", .service = "metrics:9090"});
  EXPECT_THAT(routes(), Contains("x.example prefix / -> prod/metrics:9090"));
}

TEST_F(Private, WithoutTheServiceThePathsAreNotOpen) {
  store_.erase<Service>({"prod", "app-b"});
  EXPECT_THAT(routes(), ElementsAre("a.example prefix / -> 503"));
  EXPECT_THAT(notices(), ElementsAre(HasSubstr("AuthUnusable")));
}

}  // namespace
}  // namespace gateway::kubernetes
