#include <algorithm>

#include "tests/unit/kubernetes_translator/cluster.h"
#include "tests/unit/net/test_certificates.h"

namespace gateway::kubernetes {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Tls : public Cluster {
 protected:
  void add_secret(const std::string& name, const std::vector<std::string>& names,
                  const std::string& ns = "prod") {
    const net::PemPair pair = authority().issue(names);
    Secret secret;
    secret.meta.namespace_ = ns;
    secret.meta.name = name;
    secret.type = "kubernetes.io/tls";
    secret.data = {{"tls.crt", pair.certificate}, {"tls.key", pair.key}};
    store_.upsert(secret);
  }
  void add_tls(IngressSpec spec, const std::string& secret, std::vector<std::string> hosts) {
    Ingress ingress = make(spec);
    ingress.tls.push_back({std::move(hosts), secret});
    store_.upsert(ingress);
  }
  /// "secret: hosts" of each certificate.
  std::vector<std::string> certificates() {
    translate();
    std::vector<std::string> lines;
    for (const config::CertificateSource& source : translation_.certificates) {
      std::string line = source.pem->name + ":";
      for (const std::string& host : source.pem->hosts) line += " " + host;
      lines.push_back(line);
    }
    return lines;
  }
  static const net::TestAuthority& authority() {
    static const net::TestAuthority authority;
    return authority;
  }
};

TEST_F(Tls, ACertificateForItsHostAndARedirect) {
  add_secret("cert", {"a.example", "b.example"});
  add_tls({}, "cert", {"a.example"});
  EXPECT_THAT(certificates(), ElementsAre("Secret prod/cert: a.example"))
      << "never for b.example, which is somebody else's";
  EXPECT_THAT(routes(), ElementsAre("a.example prefix / https-only -> prod/app:80"));
  EXPECT_EQ(answer("http", "a.example", "/"), "308 https://");
  EXPECT_EQ(answer("https", "a.example", "/"), "prod/app:80");
  const config::Route* secure = route("prod/web:a.example/");
  EXPECT_EQ(secure->filters.back().type, "header_edits");
  EXPECT_EQ(secure->filters.back()
                .options["response"]["set"]["Strict-Transport-Security"]
                .as<std::string>(),
            "max-age=31536000; includeSubDomains");
  EXPECT_THAT(notices(), IsEmpty());
}

// Whoever ends TLS before us says how clients came to it.
TEST_F(Tls, WithListenersOfOneKindOnlyATrustedProxyCanTellWhomToRedirect) {
  settings_.tls_listeners.clear();
  add({.notes = {{"force-ssl-redirect", "true"}}});
  EXPECT_THAT(routes(), ElementsAre("a.example prefix / -> prod/app:80"));
  settings_.told_schemes = true;
  translator_.reset();
  EXPECT_THAT(routes(), ElementsAre("a.example prefix / https-only -> prod/app:80"));
}

TEST_F(Tls, SslRedirectOffServesBothWays) {
  add_secret("cert", {"a.example"});
  add_tls({.notes = {{"ssl-redirect", "false"}}}, "cert", {"a.example"});
  EXPECT_THAT(routes(), ElementsAre("a.example prefix / http -> prod/app:80",
                                    "a.example prefix / https -> prod/app:80"));
  for (const auto& filter : route("prod/web:a.example/#plain")->filters)
    EXPECT_NE(filter.type, "header_edits") << "HSTS means nothing over http";
}

TEST_F(Tls, HstsCanBeTurnedOffAndShaped) {
  add_secret("cert", {"a.example"});
  add_tls({.notes = {{"ssl-redirect", "false"}, {"hsts", "false"}}}, "cert", {"a.example"});
  EXPECT_THAT(routes(), ElementsAre("a.example prefix / -> prod/app:80"));
  add_tls({.notes = {{"hsts-max-age", "60"},
                     {"hsts-include-subdomains", "false"},
                     {"hsts-preload", "true"}}},
          "cert", {"a.example"});
  translate();
  EXPECT_EQ(route("prod/web:a.example/")
                ->filters.back()
                .options["response"]["set"]["Strict-Transport-Security"]
                .as<std::string>(),
            "max-age=60; preload");
}

// The solver's Ingress is as cert-manager writes it; the host it is for redirects, asks for a token
// and is not open.
TEST_F(Tls, TheSolverOfAChallengeAnswersOverPlainHttp) {
  add_service("app-b", 8080, {"10.0.0.66"});
  add_secret("cert", {"a.example"});
  add_tls({.notes = {{"token-auth-upstream", "app-b:8080"}}}, "cert", {"a.example"});
  add_service("cm-acme-http-solver-x", 8089, {"10.0.0.5"});
  add({.name = "cm-acme-http-solver-y",
       .path = "/.well-known/acme-challenge/token",
       .service = "cm-acme-http-solver-x:8089",
       .notes = {{"whitelist-source-range", "0.0.0.0/0,::/0"}},
       .type = PathType::implementation_specific});
  EXPECT_EQ(answer("http", "a.example", "/.well-known/acme-challenge/token"),
            "prod/cm-acme-http-solver-x:8089");
  EXPECT_EQ(answer("http", "a.example", "/"), "308 https://");
  EXPECT_EQ(answer("http", "a.example", "/.well-known/acme-challenge/other"), "308 https://");
  EXPECT_THAT(notices(), IsEmpty());
  for (const config::Route& each : translation_.routes) {
    const bool solver = each.name.starts_with("prod/cm-acme");
    EXPECT_EQ(origin(each.name).open, solver) << each.name;
    EXPECT_EQ(each.https_only, !solver) << each.name;
    if (!solver) continue;
    for (const config::PolicySettings& filter : each.filters)
      EXPECT_THAT(filter.type, ::testing::AnyOf("allow_deny", "body_limit", "header_edits"));
  }
}

// cert-manager's other way: it writes the path into the Ingress itself.
TEST_F(Tls, AChallengeInTheIngressItselfNeedsNoLogin) {
  add_service("app-b", 8080, {"10.0.0.66"});
  add_service("solver", 8089, {"10.0.0.5"});
  add_secret("cert", {"a.example"});
  Ingress ingress =
      make({.notes = {
                {"token-auth-upstream", "app-b:8080"}, {"limit-rps", "5"}, {"limit-by", "token"}}});
  ingress.tls.push_back({{"a.example"}, "cert"});
  ingress.rules[0].paths.push_back(
      {"/.well-known/acme-challenge/t", PathType::exact, Backend{"solver", "8089", ""}});
  store_.upsert(ingress);
  EXPECT_EQ(answer("http", "a.example", "/.well-known/acme-challenge/t"), "prod/solver:8089");
  for (const config::Route& each : translation_.routes) {
    const bool challenge = each.name.find("acme") != std::string::npos;
    const auto is_token = [](const auto& filter) { return filter.type == "token"; };
    EXPECT_EQ(std::none_of(each.filters.begin(), each.filters.end(), is_token), challenge)
        << each.name;
  }
}

TEST_F(Tls, WhatCannotBeUsedLeavesTheDefaultAndServes) {
  add_secret("other", {"else.example"});
  add_secret("foreign", {"a.example"}, "dev");
  Secret broken;
  broken.meta.namespace_ = "prod";
  broken.meta.name = "broken";
  broken.data = {{"tls.crt", "x"}, {"tls.key", "y"}};
  store_.upsert(broken);
  const std::pair<const char*, const char*> cases[] = {{"absent", "there is no Secret prod/absent"},
                                                       {"broken", "Secret prod/broken: "},
                                                       {"other", "is not for a.example"},
                                                       {"dev/foreign", "in another namespace"}};
  for (const auto& [secret, words] : cases) {
    add_tls({}, secret, {"a.example"});
    EXPECT_THAT(certificates(), IsEmpty()) << secret;
    EXPECT_THAT(notices(), ElementsAre(HasSubstr(words)));
    EXPECT_THAT(routes(), Contains("a.example prefix / https-only -> prod/app:80"));
  }
  settings_.allow_foreign_secrets = true;
  translator_.reset();
  EXPECT_THAT(certificates(), ElementsAre("Secret dev/foreign: a.example"));
}

TEST_F(Tls, WithoutHostsTheCertificatesNamesDecide) {
  add_secret("wild", {"*.example"});
  add_tls({}, "wild", {});
  add({.name = "deep", .host = "x.a.example"});
  EXPECT_THAT(certificates(), ElementsAre("Secret prod/wild: a.example"));
  EXPECT_THAT(routes(), Contains("x.a.example prefix / -> prod/app:80")) << "has no TLS";
}

TEST_F(Tls, TheOldestSetsTheCertificateOfAHost) {
  add_secret("cert", {"a.example"});
  add_secret("young", {"a.example"});
  add_tls({.path = "/x"}, "cert", {"a.example"});
  add_tls({.name = "young", .path = "/y", .created = "2026-05-01T00:00:00Z"}, "young",
          {"a.example"});
  EXPECT_THAT(certificates(), ElementsAre("Secret prod/cert: a.example"));
  EXPECT_THAT(notices(), ElementsAre(HasSubstr("comes from an older Ingress")));
}

TEST_F(Tls, TheDefaultCertificateComesFirst) {
  add_secret("default", {"default.example"}, "infra");
  add_secret("cert", {"a.example"});
  settings_.default_certificate = ObjectName{"infra", "default"};
  add_tls({}, "cert", {"a.example"});
  EXPECT_THAT(certificates(), ElementsAre("Secret infra/default:", "Secret prod/cert: a.example"));
  EXPECT_TRUE(translation_.has_default_certificate);
  store_.erase<Secret>({"infra", "default"});
  EXPECT_THAT(certificates(), ElementsAre("Secret prod/cert: a.example"));
  EXPECT_FALSE(translation_.has_default_certificate);
  EXPECT_THAT(notices(), ElementsAre("infra/default CertificateUnusable: the default certificate "
                                     "is missing"));
}

TEST_F(Tls, TheSameTextIsAnEqualSource) {
  add_secret("cert", {"a.example"});
  add_tls({}, "cert", {"a.example"});
  const auto before = translate().certificates;
  EXPECT_EQ(before, translate().certificates);
  add_secret("cert", {"a.example"});
  EXPECT_NE(before, translate().certificates);
}

TEST_F(Tls, AnAliasAndAWwwNameShareIt) {
  add_secret("cert", {"a.example", "b.example", "www.a.example"});
  add_tls({.notes = {{"server-alias", "b.example"}, {"from-to-www-redirect", "true"}}}, "cert",
          {"a.example"});
  EXPECT_THAT(certificates(), ElementsAre("Secret prod/cert: a.example b.example www.a.example"));
}

}  // namespace
}  // namespace gateway::kubernetes
