#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "gateway/base/random.h"
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
    for (int i = 0; i < 3; ++i) {
      const auto made = authority->issue("test", {"*.example"}, 1'800'000'000, kLife);
      pairs_.push_back(*made);
    }
  }

  std::uint32_t roll(std::uint32_t below) { return random_.below(below); }
  bool rarely() { return roll(5) == 0; }

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
        {{"auth-type", "basic"}, {"auth-secret", "logins"}},
        {{"ssl-redirect", "false"}},
        {{"force-ssl-redirect", "true"}},
        {{"limit-rps", "not a number"}},
        {{"permanent-redirect", "https://elsewhere.example/"}},
        {{"gateway.ingress/token-auth-upstream", "app-1:80"}},
    };
    static const char* const kPaths[] = {"/", "/a", "/a/b", "/c(/|$)(.*)", "/d"};
    return {.name = fmt::format("web-{}", roll(12)),
            .host = roll(8) == 0 ? "" : fmt::format("h{}.example", roll(5)),
            .path = kPaths[roll(5)],
            .service = fmt::format("app-{}:80", roll(4)),
            .notes = roll(2) == 0 ? Annotations() : kNotes[roll(14)],
            .created = fmt::format("2026-01-0{}T00:00:00Z", 1 + roll(4))};
  }

  void change_ingress() {
    const IngressSpec wanted = spec();
    if (rarely()) return store_.erase<Ingress>({"prod", wanted.name});
    Ingress ingress = make(wanted);
    ingress.meta.uid += rarely() ? "-again" : "";
    if (roll(3) == 0)
      ingress.tls.push_back({{wanted.host}, fmt::format("certificate-{}", roll(3))});
    store_.upsert(std::move(ingress));
  }

  void change_service() {
    const std::string name = fmt::format("app-{}", roll(4));
    if (rarely()) return store_.erase<Service>({"prod", name});
    add_service(name, rarely() ? 81 : 80,
                {fmt::format("10.0.0.{}", roll(4)), fmt::format("10.0.1.{}", roll(4))});
  }

  void change_secret() {
    Secret secret;
    secret.meta.namespace_ = "prod";
    const bool logins = roll(2) == 0;
    secret.meta.name = logins ? "logins" : fmt::format("certificate-{}", roll(3));
    if (rarely()) return store_.erase<Secret>(secret.meta.object_name());
    const net::PemPair& pair = pairs_[roll(3)];
    if (logins)
      secret.data = {{"auth", roll(2) == 0 ? "kim:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=" : "broken"}};
    else
      secret.data = {{"tls.crt", rarely() ? "broken" : pair.certificate}, {"tls.key", pair.key}};
    store_.upsert(std::move(secret));
  }

  void change() {
    const std::uint32_t which = roll(6);
    if (which == 0) return change_service();
    if (which == 1) return change_secret();
    change_ingress();
  }

  static constexpr std::chrono::seconds kLife = std::chrono::hours(24 * 365);
  Random random_{7};
  std::vector<net::PemPair> pairs_;
};

void expect_equal(const Translation& a, const Translation& b) {
  ASSERT_THAT(a.routes, SizeIs(b.routes.size()));
  for (std::size_t i = 0; i < a.routes.size(); ++i)
    EXPECT_TRUE(a.routes[i] == b.routes[i]) << a.routes[i].name << " " << b.routes[i].name;
  EXPECT_EQ(a.origins, b.origins);
  EXPECT_TRUE(a.upstreams == b.upstreams);
  EXPECT_EQ(a.certificates, b.certificates);
  EXPECT_EQ(a.has_default_certificate, b.has_default_certificate);
  EXPECT_EQ(a.endpoints, b.endpoints);
  EXPECT_EQ(a.reserved, b.reserved);
  EXPECT_EQ(a.ours, b.ours);
  EXPECT_EQ(a.references, b.references);
}

// Good versions that are remembered are no part of a store: only translations without such a one
// can be compared.
TEST_F(Incremental, ComesToTheSameAsATranslationFromScratch) {
  std::size_t compared = 0;
  Translator incremental(settings_);
  for (int step = 0; step < 1500; ++step) {
    change();
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
  EXPECT_GT(compared, 300U);
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
