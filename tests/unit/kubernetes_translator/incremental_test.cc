#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "gateway/base/random.h"
#include "gateway/net/certificate.h"
#include "gateway/net/certificate_authority.h"
#include "tests/unit/kubernetes_translator/cluster.h"

namespace gateway::kubernetes {
namespace {

using ::testing::SizeIs;

/// A cluster that changes at random; few names, so that objects meet.
class Incremental : public Cluster {
 protected:
  Incremental() {
    settings_.ingress_nginx_paths = true;
    settings_.default_certificate = ObjectName{"prod", "certificate-0"};
    settings_.default_backend = "prod/app-0:80";
    const auto authority = net::CertificateAuthority::make("test", 1'800'000'000, kLife);
    authority_ = authority->pair().certificate;
    for (const std::vector<std::string>& names :
         {std::vector<std::string>{"*.example"}, {"*.example", "alias.example"}, {"h1.example"}})
      pairs_.push_back(*authority->issue("test", names, 1'800'000'000, kLife));
  }

  std::uint32_t roll(std::uint32_t below) { return random_.below(below); }
  bool rarely() { return roll(5) == 0; }

  std::string host() {
    static const char* const kOdd[] = {"", "www.h1.example", "alias.example", "not a host"};
    return roll(4) == 0 ? kOdd[roll(4)] : fmt::format("h{}.example", roll(5));
  }

  IngressSpec spec() {
    static const std::vector<Annotations> kNotes = {
        {{"limit-rps", "10"}},
        {{"proxy-connect-timeout", "3"}},
        {{"use-regex", "true"}},
        {{"canary", "true"}, {"canary-weight", "20"}},
        {{"canary", "true"}, {"canary-by-header", "X-New"}},
        {{"app-root", "/start"}},
        {{"from-to-www-redirect", "true"}},
        {{"server-alias", "h1.example,alias.example"}},
        {{"server-alias", "alias.example,www.h2.example"}},
        {{"auth-type", "basic"}, {"auth-secret", "logins"}},
        {{"auth-tls-secret", "prod/authority"}},
        {{"auth-tls-secret", "prod/authority"}, {"auth-tls-verify-client", "optional"}},
        {{"backend-protocol", "HTTPS"}, {"proxy-ssl-secret", "authority"}},
        {{"backend-protocol", "HTTPS"}, {"proxy-ssl-secret", "certificate-1"}},
        {{"ssl-redirect", "false"}},
        {{"force-ssl-redirect", "true"}},
        {{"limit-rps", "not a number"}},
        {{"permanent-redirect", "https://elsewhere.example/"}},
        {{"gateway.ingress/token-auth-upstream", "app-1:80"}},
    };
    static const char* const kPaths[] = {"/", "/a", "/a/b", "/c(/|$)(.*)", "/d"};
    return {.name = fmt::format("web-{}", roll(12)),
            .host = host(),
            .path = kPaths[roll(5)],
            .service = fmt::format("app-{}:80", roll(4)),
            .notes = roll(2) == 0 ? Annotations()
                                  : kNotes[roll(static_cast<std::uint32_t>(kNotes.size()))],
            .created = fmt::format("2026-01-0{}T00:00:00Z", 1 + roll(4))};
  }

  void add_parts(Ingress& ingress) {
    if (rarely()) {
      IngressRule rule = ingress.rules.front();
      rule.host = host();
      ingress.rules.push_back(std::move(rule));
    }
    if (roll(8) == 0) ingress.default_backend = Backend{fmt::format("app-{}", roll(4)), "80", {}};
    if (roll(12) == 0) ingress.rules.clear();
    for (std::uint32_t i = roll(3); i > 0; --i) {
      std::vector<std::string> hosts;
      for (std::uint32_t j = roll(3); j > 0; --j) hosts.push_back(host());
      if (roll(2) == 0 && !ingress.rules.empty()) hosts.push_back(ingress.rules.front().host);
      ingress.tls.push_back({hosts, roll(6) == 0 ? (roll(2) == 0 ? "" : "elsewhere/certificate-1")
                                                 : fmt::format("certificate-{}", roll(3))});
    }
  }

  void change_ingress() {
    const IngressSpec wanted = spec();
    if (rarely()) return store_.erase<Ingress>({"prod", wanted.name});
    Ingress ingress = make(wanted);
    ingress.meta.uid += rarely() ? "-again" : "";
    add_parts(ingress);
    if (roll(10) == 0) ingress.class_name = "second";
    store_.upsert(std::move(ingress));
  }

  void change_service() {
    const std::string name = fmt::format("app-{}", roll(4));
    if (rarely()) return store_.erase<Service>({"prod", name});
    add_service(name, rarely() ? 81 : 80,
                {fmt::format("10.0.0.{}", roll(4)), fmt::format("10.0.1.{}", roll(4))});
    if (!rarely()) return;
    Service other;
    other.meta.namespace_ = "prod";
    other.meta.name = name;
    other.type = "ExternalName";
    other.external_name = "elsewhere.example";
    other.ports.push_back({"", 80, "TCP", 0});
    store_.upsert(std::move(other));
  }

  void change_secret() {
    Secret secret;
    secret.meta.namespace_ = "prod";
    const std::uint32_t which = roll(4);
    secret.meta.name = which == 0   ? "logins"
                       : which == 1 ? "authority"
                                    : fmt::format("certificate-{}", roll(3));
    if (rarely()) return store_.erase<Secret>(secret.meta.object_name());
    const net::PemPair& pair = pairs_[roll(3)];
    if (which == 0)
      secret.data = {{"auth", roll(2) == 0 ? "kim:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=" : "broken"}};
    else if (which == 1)
      secret.data = {{"ca.crt", rarely() ? "broken" : authority_}};
    else
      secret.data = {{"tls.crt", rarely() ? "broken" : pair.certificate}, {"tls.key", pair.key}};
    store_.upsert(std::move(secret));
  }

  void change_class() {
    if (rarely()) return store_.erase<IngressClass>({"", "second"});
    IngressClass made;
    made.meta.name = "second";
    made.controller = rarely() ? "somebody.else/controller" : std::string(kControllerName);
    if (roll(2) == 0) made.parameters = ObjectName{"prod", "parameters"};
    store_.upsert(std::move(made));
    ConfigMap parameters;
    parameters.meta.namespace_ = "prod";
    parameters.meta.name = "parameters";
    if (roll(2) == 0) parameters.data = {{"compat", "ingress-nginx"}};
    store_.upsert(std::move(parameters));
  }

  void change() {
    const std::uint32_t which = roll(24);
    if (which < 4) return change_service();
    if (which < 8) return change_secret();
    if (which == 8) return change_class();
    change_ingress();
  }

  void compare_with_scratch(int steps);

  static constexpr std::chrono::seconds kLife = std::chrono::hours(24 * 365);
  Random random_{7};
  std::string authority_;
  std::vector<net::PemPair> pairs_;
};

void expect_equal(const Translation& a, const Translation& b) {
  ASSERT_THAT(a.routes, SizeIs(b.routes.size()));
  for (std::size_t i = 0; i < a.routes.size(); ++i)
    EXPECT_TRUE(a.routes[i] == b.routes[i]) << a.routes[i].name << " " << b.routes[i].name;
  EXPECT_TRUE(a.origins == b.origins);
  EXPECT_TRUE(a.upstreams == b.upstreams);
  EXPECT_EQ(a.certificates, b.certificates);
  EXPECT_EQ(a.has_default_certificate, b.has_default_certificate);
  EXPECT_EQ(plain(a.endpoints), plain(b.endpoints));
  EXPECT_EQ(a.reserved, b.reserved);
  EXPECT_EQ(*a.ours, *b.ours);
  EXPECT_EQ(a.references, b.references);
}

// Good versions that are remembered are no part of a store: only translations without such a one
// can be compared.
void Incremental::compare_with_scratch(int steps) {
  int compared = 0;
  net::CertificateStore parsed;
  Translator incremental(settings_, &parsed);
  for (int step = 0; step < steps; ++step) {
    // Changes are translated as they come, or several together.
    for (std::uint32_t changes = rarely() ? 1 + roll(6) : 1; changes > 0; --changes) change();
    const Translation now = incremental.translate(store_);
    const bool remembers =
        std::any_of(now.notices.begin(), now.notices.end(), [](const Notice& notice) {
          return notice.message.find("its last good version is served") != std::string::npos;
        });
    if (remembers) continue;
    const Translation anew = Translator(settings_).translate(store_);
    expect_equal(now, anew);
    EXPECT_TRUE(now.notices == anew.notices) << "step " << step;
    ASSERT_FALSE(HasFailure()) << "step " << step;
    ++compared;
  }
  EXPECT_GT(compared, steps / 5);
}

TEST_F(Incremental, ComesToTheSameAsATranslationFromScratch) { compare_with_scratch(1500); }

TEST_F(Incremental, ComesToTheSameWithoutDefaults) {
  settings_.ingress_nginx_paths = false;
  settings_.default_certificate.reset();
  settings_.default_backend.clear();
  random_ = Random(11);
  compare_with_scratch(1500);
}

TEST_F(Incremental, ComesToTheSameWithAllAllowed) {
  settings_.ingress_nginx_paths = false;
  settings_.allow_external_names = true;
  settings_.allow_foreign_secrets = true;
  settings_.classless = true;
  random_ = Random(13);
  compare_with_scratch(1000);
}

TEST_F(Incremental, EndpointsAloneComeToTheSame) {
  for (int i = 0; i < 4; ++i) add_service(fmt::format("app-{}", i), 80, {"10.0.0.1"});
  for (int i = 0; i < 8; ++i)
    add({.name = fmt::format("web-{}", i),
         .host = fmt::format("h{}.example", i),
         .service = fmt::format("app-{}:80", i % 4)});
  Translator incremental(settings_);
  (void)incremental.translate(store_);
  for (int step = 0; step < 200; ++step) {
    add_service(fmt::format("app-{}", roll(4)), 80,
                {fmt::format("10.0.0.{}", roll(4)), fmt::format("10.0.1.{}", roll(4))});
    const auto update = incremental.endpoints(store_);
    ASSERT_TRUE(update);
    const Translation anew = Translator(settings_).translate(store_);
    EXPECT_EQ(plain(update->endpoints), plain(anew.endpoints));
    EXPECT_EQ(update->reserved, anew.reserved);
    ASSERT_FALSE(HasFailure()) << "step " << step;
  }
}

TEST_F(Incremental, WhatDidNotChangeIsTheSameObject) {
  for (int i = 0; i < 50; ++i)
    add({.name = fmt::format("web-{:02}", i), .host = fmt::format("h{:02}.example", i)});
  Translator translator(settings_);
  const Translation before = translator.translate(store_);
  add({.name = "web-20", .host = "h20.example", .notes = {{"limit-rps", "3"}}});
  const Translation after = translator.translate(store_);
  ASSERT_THAT(after.routes, SizeIs(before.routes.size()));
  std::vector<std::string> changed;
  for (std::size_t i = 0; i < after.routes.size(); ++i)
    if (after.routes.share(i) != before.routes.share(i)) changed.push_back(after.routes[i].name);
  for (const std::string& name : changed)
    EXPECT_TRUE(name.find("web-20") != std::string::npos || name.starts_with("default-backend"))
        << name;
  EXPECT_FALSE(changed.empty());
}

}  // namespace
}  // namespace gateway::kubernetes
