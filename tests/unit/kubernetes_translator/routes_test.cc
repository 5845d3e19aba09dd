#include <fmt/format.h>

#include <chrono>

#include "tests/unit/kubernetes_translator/cluster.h"

namespace gateway::kubernetes {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

using Routes = Cluster;

TEST_F(Routes, AnIngressIsARouteToPods) {
  add({});
  EXPECT_THAT(routes(), ElementsAre("a.example prefix / -> prod/app:80"));
  EXPECT_EQ(only_route().name, "prod/web:a.example/");
  EXPECT_EQ(origin("prod/web:a.example/").ingress.to_string(), "prod/web");
  EXPECT_EQ(origin("prod/web:a.example/").service.to_string(), "prod/app");
  EXPECT_THAT(addresses("prod/app:80"), ElementsAre("10.0.0.1:80"));
  EXPECT_EQ(translation_.endpoints.at("prod/app:80")->at(0).uid, "pod-10.0.0.1");
  EXPECT_TRUE(upstream("prod/app:80")->discovered);
  EXPECT_THAT(notices(), IsEmpty());
  EXPECT_THAT(*translation_.ours, SizeIs(1));
}

TEST_F(Routes, TimesAndSizesAreThoseOfIngressNginx) {
  add({});
  const config::Route& route = only_route();
  EXPECT_EQ(route.timeout, std::chrono::seconds(60));
  EXPECT_EQ(route.idle_timeout, std::chrono::seconds(60));
  EXPECT_EQ(upstream("prod/app:80")->timeouts.connect, std::chrono::seconds(5));
  EXPECT_EQ(upstream("prod/app:80")->retries.attempts, 2U);
  EXPECT_EQ((*filter("body_limit"))["size"].as<config::Size>().bytes, 1U << 20);
}

TEST_F(Routes, ClassesAreChosenByController) {
  settings_.also_classes.clear();
  apply(R"(
kind: IngressClass
metadata: {name: ours}
spec: {controller: gateway.ingress/controller}
---
kind: IngressClass
metadata: {name: nginx}
spec: {controller: k8s.io/ingress-nginx}
)");
  Ingress by_field = make({.name = "field", .host = "field.example"});
  by_field.class_name = "ours";
  Ingress by_note = make({.name = "note", .host = "note.example"});
  by_note.meta.annotations.emplace("kubernetes.io/ingress.class", "ours");
  Ingress none = make({.name = "none", .host = "none.example"});
  none.class_name.reset();
  store_.upsert(by_field);
  store_.upsert(by_note);
  store_.upsert(none);
  add({.name = "other", .host = "other.example"});
  EXPECT_THAT(routes(), ElementsAre("field.example prefix / -> prod/app:80",
                                    "note.example prefix / -> prod/app:80"));
  apply(R"(
kind: IngressClass
metadata: {name: ours, annotations: {ingressclass.kubernetes.io/is-default-class: "true"}}
spec: {controller: gateway.ingress/controller}
)");
  EXPECT_THAT(routes(), SizeIs(3)) << "that of no class comes with the default class";
}

TEST_F(Routes, AlsoClassesAndClasslessOnesByFlag) {
  add({});
  EXPECT_THAT(routes(), SizeIs(1)) << "also_classes needs no IngressClass";
  Ingress none = make({.name = "none", .host = "none.example"});
  none.class_name.reset();
  store_.upsert(none);
  EXPECT_THAT(routes(), SizeIs(1));
  settings_.classless = true;
  translator_.reset();
  EXPECT_THAT(routes(), SizeIs(2));
}

TEST_F(Routes, HostsMergeOverNamespaces) {
  add_service("app", 80, {"10.0.1.1"}, "dev");
  add({.name = "one", .path = "/x"});
  add({.name = "two", .path = "/y", .ns = "dev"});
  add({.name = "wild", .host = "*.Example.com"});
  add({.name = "any", .host = ""});
  EXPECT_THAT(
      routes(),
      ElementsAre("* prefix / -> prod/app:80", "*.example.com prefix / -> prod/app:80",
                  "a.example prefix /y -> dev/app:80", "a.example prefix /x -> prod/app:80"));
}

TEST_F(Routes, AConflictGoesToTheOlder) {
  add_service("other", 80, {"10.0.0.9"});
  add({.name = "a-young", .service = "other:80", .created = "2026-02-01T00:00:00Z"});
  add({.name = "old", .path = "/"});
  add({.name = "same-age", .service = "other:80"});
  EXPECT_THAT(routes(), ElementsAre("a.example prefix / -> prod/app:80"));
  EXPECT_THAT(notices(),
              ElementsAre("prod/a-young Conflict: path / of a.example belongs to the older Ingress "
                          "prod/old",
                          "prod/same-age Conflict: path / of a.example belongs to the older "
                          "Ingress prod/old"));
}

TEST_F(Routes, ASlashAtTheEndOfAPrefixIsNoOther) {
  add({.name = "one", .path = "/foo/"});
  add({.name = "two", .path = "/foo"});
  add({.name = "three", .path = "/foo", .type = PathType::exact});
  EXPECT_THAT(routes(), ElementsAre("a.example prefix /foo -> prod/app:80",
                                    "a.example exact /foo -> prod/app:80"));
  EXPECT_THAT(notices(), SizeIs(1));
}

TEST_F(Routes, AnUnmatchedPathGoesToTheIngresssDefaultBackend) {
  add_service("fallback", 80, {"10.0.0.8"});
  Ingress ingress = make({.path = "/x"});
  ingress.default_backend = Backend{"fallback", "80", ""};
  store_.upsert(ingress);
  EXPECT_THAT(routes(), ElementsAre("a.example prefix /x -> prod/app:80",
                                    "a.example prefix / -> prod/fallback:80"));
  ingress.rules.clear();
  store_.upsert(ingress);
  EXPECT_THAT(routes(), ElementsAre("* prefix / -> prod/fallback:80"));
}

TEST_F(Routes, ThenToThatOfTheClass) {
  add_service("fallback", 80, {"10.0.0.8"}, "infra");
  settings_.default_backend = "infra/fallback:80";
  add({.path = "/x"});
  add({.name = "whole", .host = "b.example"});
  EXPECT_THAT(
      routes(),
      ElementsAre("a.example prefix /x -> prod/app:80", "b.example prefix / -> prod/app:80",
                  "* prefix / -> infra/fallback:80", "a.example prefix / -> infra/fallback:80"));
}

TEST_F(Routes, ANamedHostNeverFallsThroughToAWildcard) {
  add({.name = "wild", .host = "*.example.com"});
  add({.name = "part", .host = "part.example.com", .path = "/x"});
  Ingress bare = make({.name = "bare", .host = "bare.example.com"});
  bare.rules[0].paths.clear();
  store_.upsert(bare);
  EXPECT_EQ(answer("http", "any.example.com", "/"), "prod/app:80");
  EXPECT_EQ(answer("http", "a.b.example.com", "/"), "404") << "a wildcard is one label";
  EXPECT_EQ(answer("http", "part.example.com", "/x/y"), "prod/app:80");
  EXPECT_EQ(answer("http", "part.example.com", "/y"), "404");
  EXPECT_EQ(answer("http", "bare.example.com", "/"), "404");
  bare.default_backend = Backend{"app", "80", ""};
  store_.upsert(bare);
  EXPECT_EQ(answer("http", "bare.example.com", "/"), "prod/app:80");
}

TEST_F(Routes, AHostWithoutPathsHasTheDefaultBackendOfTheClass) {
  add_service("fallback", 80, {"10.0.0.8"}, "infra");
  settings_.default_backend = "infra/fallback:80";
  Ingress bare = make({.name = "bare", .host = "bare.example.com"});
  bare.rules[0].paths.clear();
  store_.upsert(bare);
  EXPECT_EQ(answer("http", "bare.example.com", "/x"), "infra/fallback:80");
}

TEST_F(Routes, AnAliasHasTheDefaultBackendOfTheClassToo) {
  add_service("fallback", 80, {"10.0.0.8"}, "infra");
  settings_.default_backend = "infra/fallback:80";
  add({.path = "/x", .notes = {{"server-alias", "b.example"}}});
  EXPECT_EQ(answer("http", "b.example", "/x"), "prod/app:80");
  EXPECT_EQ(answer("http", "b.example", "/y"), "infra/fallback:80");
}

TEST_F(Routes, WithoutServiceOrPortThePathAnswers503) {
  add({.service = "absent:80"});
  EXPECT_THAT(routes(), ElementsAre("a.example prefix / -> 503"));
  EXPECT_THAT(notices(), ElementsAre("prod/web BackendMissing: there is no Service prod/absent"));
  add({.service = "app:81"});
  EXPECT_THAT(routes(), ElementsAre("a.example prefix / -> 503"));
  EXPECT_THAT(notices(),
              ElementsAre("prod/web BackendMissing: Service prod/app has no TCP port '81'"));
}

TEST_F(Routes, AResourceBackendAnswers503) {
  Ingress ingress = make({});
  ingress.rules[0].paths[0].backend = Backend{"", "", "Bucket b"};
  store_.upsert(ingress);
  EXPECT_THAT(routes(), ElementsAre("a.example prefix / -> 503"));
  EXPECT_THAT(notices(), ElementsAre(HasSubstr("only Services can be backends")));
}

TEST_F(Routes, PortsByNameAndNumberAreOneUpstream) {
  apply(R"(
kind: Service
metadata: {name: named, namespace: prod}
spec: {ports: [{name: web, port: 80, targetPort: http}]}
---
kind: EndpointSlice
metadata: {name: named-1, namespace: prod, labels: {kubernetes.io/service-name: named}}
addressType: IPv4
ports: [{name: web, port: 8080}]
endpoints: [{addresses: [10.0.0.5]}]
)");
  add({.name = "one", .path = "/x", .service = "named:web"});
  add({.name = "two", .path = "/y", .service = "named:80"});
  EXPECT_THAT(routes(), ElementsAre("a.example prefix /x -> prod/named:80",
                                    "a.example prefix /y -> prod/named:80"));
  EXPECT_THAT(addresses("prod/named:80"), ElementsAre("10.0.0.5:8080"));
}

TEST_F(Routes, OtherSettingsAreAnotherUpstreamOfTheSameService) {
  add({.name = "one", .path = "/x"});
  add({.name = "two", .path = "/y", .notes = {{"proxy-connect-timeout", "1"}}});
  translate();
  EXPECT_THAT(translation_.upstreams, SizeIs(2));
  ASSERT_NE(upstream("prod/app:80"), nullptr);
  EXPECT_EQ(upstream("prod/app:80")->timeouts.connect, std::chrono::seconds(5)) << "the oldest's";
  EXPECT_THAT(translation_.upstreams[1].name, ::testing::StartsWith("prod/app:80:"));
  EXPECT_THAT(addresses(translation_.upstreams[1].name), ElementsAre("10.0.0.1:80"));
}

TEST_F(Routes, ExternalNamesAreOffUnlessAllowed) {
  apply(R"(
kind: Service
metadata: {name: far, namespace: prod}
spec: {type: ExternalName, externalName: far.example.org, ports: [{port: 80}]}
)");
  add({.service = "far:80"});
  EXPECT_THAT(routes(), ElementsAre("a.example prefix / -> 503"));
  EXPECT_THAT(notices(), ElementsAre(HasSubstr("ExternalName")));
  settings_.allow_external_names = true;
  translator_.reset();
  EXPECT_THAT(routes(), ElementsAre("a.example prefix / -> prod/far:80"));
  ASSERT_THAT(upstream("prod/far:80")->endpoints, SizeIs(1));
  EXPECT_EQ(upstream("prod/far:80")->endpoints[0].host, "far.example.org");
  EXPECT_FALSE(upstream("prod/far:80")->discovered);
}

using Endpoints = Cluster;

EndpointSlice slice_of(std::vector<SliceEndpoint> endpoints) {
  EndpointSlice slice;
  slice.meta.namespace_ = "prod";
  slice.meta.name = "app-slice";
  slice.service = "app";
  slice.address_type = "IPv4";
  slice.ports.push_back({"", 80});
  slice.endpoints = std::move(endpoints);
  return slice;
}

TEST_F(Endpoints, ReadyOnesThenThoseThatServeWhileTheyEnd) {
  add({});
  const SliceEndpoint ready{{"10.0.0.1"}, true, true, false, "1"};
  const SliceEndpoint ending{{"10.0.0.2"}, false, true, true, "2"};
  const SliceEndpoint starting{{"10.0.0.3"}, false, false, false, "3"};
  store_.upsert(slice_of({starting, ending, ready}));
  translate();
  EXPECT_THAT(addresses("prod/app:80"), ElementsAre("10.0.0.1:80"));
  store_.upsert(slice_of({starting, ending}));
  translate();
  EXPECT_THAT(addresses("prod/app:80"), ElementsAre("10.0.0.2:80"));
  store_.upsert(slice_of({starting}));
  EXPECT_THAT(routes(), ElementsAre("a.example prefix / -> prod/app:80"));
  EXPECT_THAT(addresses("prod/app:80"), IsEmpty());
}

TEST_F(Endpoints, SlicesOfAServiceMergeAndAnAddressCountsOnce) {
  add({});
  EndpointSlice second = slice_of(
      {{{"10.0.0.1"}, true, true, false, "pod-10.0.0.1"}, {{"10.0.0.4"}, true, true, false, "4"}});
  second.meta.name = "app-second";
  store_.upsert(second);
  translate();
  EXPECT_THAT(addresses("prod/app:80"), ElementsAre("10.0.0.1:80", "10.0.0.4:80"));
}

TEST_F(Endpoints, OfTwoFamiliesTheFirstIsTaken) {
  add({});
  Service service = *store_.find<Service>({"prod", "app"});
  service.ip_families = {"IPv6", "IPv4"};
  store_.upsert(service);
  EndpointSlice six = slice_of({{{"fd00::1"}, true, true, false, "pod-10.0.0.1"}});
  six.meta.name = "app-six";
  six.address_type = "IPv6";
  store_.upsert(six);
  translate();
  EXPECT_THAT(addresses("prod/app:80"), ElementsAre("[fd00::1]:80"));
  six.endpoints.clear();
  store_.upsert(six);
  translate();
  EXPECT_THAT(addresses("prod/app:80"), ElementsAre("10.0.0.1:80")) << "the other, if it is alone";
}

/// "namespace/name addresses" of each pod.
std::vector<std::string> written(const PodAddresses& pods) {
  std::vector<std::string> all;
  for (const auto& [name, addresses] : pods) {
    std::string& text = all.emplace_back(name.to_string());
    for (const SocketAddress& each : addresses) text += ' ' + each.to_string();
  }
  return all;
}

TEST_F(Endpoints, APodHasItsAddressesInAllUpstreamsWhateverItsCondition) {
  add({});
  add({.name = "admin", .path = "/admin", .service = "admin:81"});
  add_service("admin", 81, {});
  add_service("unused", 82, {});
  store_.upsert(slice_of({{{"10.0.0.1", "10.9.9.9"}, true, true, false, "1", "one"},
                          {{"10.0.0.2"}, false, false, false, "2", "two"},
                          {{"10.0.0.3"}, false, true, true, "3", "three"},
                          {{"10.0.0.4"}, true, true, false, "4"}}));
  for (const auto& [service, port] : {std::pair<const char*, std::uint16_t>{"admin", 81},
                                      std::pair<const char*, std::uint16_t>{"unused", 82}}) {
    EndpointSlice slice = slice_of({{{"10.0.0.1"}, true, true, false, "1", "one"}});
    slice.meta.name = std::string(service) + "-slice";
    slice.service = service;
    slice.ports = {{"", port}};
    store_.upsert(slice);
  }
  translate();
  EXPECT_THAT(written(translator_->pods(store_)),
              ElementsAre("prod/one 10.0.0.1:80 10.0.0.1:81", "prod/three 10.0.0.3:80",
                          "prod/two 10.0.0.2:80"));
}

TEST_F(Endpoints, PodsFollowSlicesWithoutATranslation) {
  add({});
  translate();
  EXPECT_THAT(written(translator_->pods(store_)), IsEmpty());
  store_.upsert(slice_of({{{"10.0.0.7"}, true, true, false, "7", "seven"}}));
  EXPECT_THAT(written(translator_->pods(store_)), ElementsAre("prod/seven 10.0.0.7:80"));
}

TEST_F(Endpoints, AChangeOfSlicesAloneNeedsNoTranslation) {
  add({});
  translate();
  store_.upsert(slice_of({{{"10.0.0.7"}, true, true, false, "7"}}));
  const auto update = translator_->endpoints(store_);
  ASSERT_TRUE(update);
  const auto& list = *update->endpoints.at("prod/app:80");
  ASSERT_THAT(list, SizeIs(1));
  EXPECT_EQ(list[0].address.to_string(), "10.0.0.7:80");
  EXPECT_EQ(update->endpoints, translate().endpoints);
}

using LastGood = Cluster;

TEST_F(LastGood, ARefusedChangeLeavesTheLastGoodVersion) {
  add({.path = "/good"});
  add({.name = "neighbour", .host = "b.example"});
  translate();
  add({.path = "/bad", .notes = {{"server-snippet", "x"}}});
  EXPECT_THAT(routes(), ElementsAre("a.example prefix /good -> prod/app:80",
                                    "b.example prefix / -> prod/app:80"));
  EXPECT_THAT(notices(), ElementsAre(HasSubstr("its last good version is served")));
  add({.path = "/better"});
  EXPECT_THAT(routes(), Contains("a.example prefix /better -> prod/app:80"));
  EXPECT_THAT(notices(), IsEmpty());
}

TEST_F(LastGood, WithoutOneThePathsAnswer503) {
  add({.path = "/bad", .notes = {{"server-snippet", "x"}}});
  add({.name = "open", .path = "/"});
  EXPECT_THAT(routes(),
              ElementsAre("a.example prefix /bad -> 503", "a.example prefix / -> prod/app:80"));
}

TEST_F(LastGood, AnotherObjectOfTheNameIsNotTheOldOne) {
  add({.path = "/good"});
  translate();
  Ingress other = make({.path = "/bad", .notes = {{"server-snippet", "x"}}});
  other.meta.uid = "another";
  store_.upsert(other);
  EXPECT_THAT(routes(), ElementsAre("a.example prefix /bad -> 503"));
}

TEST_F(LastGood, ABadHostIsNotEveryHost) {
  add({.host = "no_host..example"});
  EXPECT_THAT(routes(), ElementsAre("refused.invalid prefix / -> 503"));
}

TEST_F(LastGood, AnOpenOneIsNotServedWhereALoginIsAskedFor) {
  add({.path = "/good"});
  translate();
  add({.path = "/good", .notes = {{"auth-url", "http://elsewhere.example.org/auth"}}});
  EXPECT_THAT(routes(), ElementsAre("a.example prefix /good -> 503"));
}

TEST_F(LastGood, ItOutlivesWhatItWasMadeFrom) {
  apply("{kind: ConfigMap, metadata: {name: fields, namespace: prod}, data: {X-Team: blue}}");
  add({.notes = {{"custom-headers", "fields"}}});
  translate();
  store_.erase<ConfigMap>({"prod", "fields"});
  EXPECT_THAT(routes(), ElementsAre("a.example prefix / -> prod/app:80"));
  EXPECT_THAT(notices(), ElementsAre(HasSubstr("there is no ConfigMap prod/fields")));
  apply("{kind: ConfigMap, metadata: {name: fields, namespace: prod}, data: {X-Team: red}}");
  EXPECT_EQ((*filter("header_edits"))["response"]["set"]["X-Team"].as<std::string>(), "red");
  EXPECT_THAT(notices(), IsEmpty());
}

using Whole = Cluster;

TEST_F(Whole, WhatItNamesIsToldSoThatNothingElseIsRead) {
  settings_.default_certificate = ObjectName{"infra", "default"};
  apply(R"(
kind: IngressClass
metadata: {name: ours}
spec:
  controller: gateway.ingress/controller
  parameters: {kind: ConfigMap, namespace: infra, name: parameters}
)");
  Ingress ingress = make({.notes = {{"custom-headers", "fields"}}});
  ingress.tls.push_back({{"a.example"}, "cert"});
  ingress.tls.push_back({{"a.example"}, "dev/foreign"});
  store_.upsert(ingress);
  Ingress other = make({.name = "other"});
  other.class_name = "else";
  other.tls.push_back({{"b.example"}, "not-ours"});
  store_.upsert(other);
  const References expected{
      {{"infra", "default"}, {"prod", "cert"}}, {}, {{"infra", "parameters"}, {"prod", "fields"}}};
  EXPECT_EQ(translate().references, expected);
}

TEST_F(Whole, OrderOfArrivalDoesNotMatter) {
  std::vector<IngressSpec> specs;
  for (int i = 0; i < 90; ++i)
    specs.push_back({.name = fmt::format("web-{}", i),
                     .host = fmt::format("h{}.example", i % 7),
                     .path = fmt::format("/{}", i % 11),
                     .notes = {{"proxy-connect-timeout", fmt::format("{}", 1 + i % 3)}}});
  for (const IngressSpec& spec : specs) add(spec);
  const Translation first = translate();
  store_.replace<Ingress>({});
  for (auto spec = specs.rbegin(); spec != specs.rend(); ++spec) add(*spec);
  translator_.reset();
  const Translation& second = translate();
  EXPECT_EQ(first.routes, second.routes);
  EXPECT_EQ(first.upstreams, second.upstreams);
  EXPECT_EQ(plain(first.endpoints), plain(second.endpoints));
  EXPECT_EQ(first.notices, second.notices);
  EXPECT_FALSE(first.notices.empty());
}

TEST_F(Whole, OneChangeLeavesTheOthersAsTheyAre) {
  for (int i = 0; i < 20; ++i) add_service(fmt::format("app-{}", i), 80, {"10.1.0.1"});
  for (int i = 0; i < 100; ++i)
    add({.name = fmt::format("web-{}", i),
         .host = fmt::format("h{}.example", i),
         .service = fmt::format("app-{}:80", i % 20),
         .notes = {{"limit-rps", "10"}}});
  const Translation before = translate();
  ASSERT_THAT(before.routes, SizeIs(100));
  add({.name = "web-7", .host = "h7.example", .path = "/new"});
  const Translation& after = translate();
  ASSERT_THAT(after.routes, SizeIs(100));
  EXPECT_EQ(after.upstreams.size(), before.upstreams.size() + 1) << "web-7 names another Service";
  for (std::size_t i = 0; i < 100; ++i)
    EXPECT_EQ(before.routes[i] == after.routes[i], before.origins[i].ingress.name != "web-7");
}

}  // namespace
}  // namespace gateway::kubernetes
