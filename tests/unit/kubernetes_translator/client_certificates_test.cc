#include <algorithm>

#include "tests/unit/kubernetes_translator/cluster.h"
#include "tests/unit/net/test_certificates.h"

namespace gateway::kubernetes {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

const net::TestAuthority& authority_one() {
  static const net::TestAuthority authority;
  return authority;
}
const net::TestAuthority& authority_two() {
  static const net::TestAuthority authority;
  return authority;
}

/// Ingresses whose clients must show a certificate.
class ClientCertificates : public Cluster {
 protected:
  ClientCertificates() {
    secret("one", authority_one().certificate());
    secret("two", authority_two().certificate());
  }
  void secret(const std::string& name, const std::string& authority) {
    Secret made;
    made.meta.namespace_ = "prod";
    made.meta.name = name;
    made.data = {{"ca.crt", authority}};
    store_.upsert(made);
  }
  /// The options of the filter on a route; null without it.
  const config::Value* demand(std::string_view name) {
    const config::Route* found = route(name);
    if (found == nullptr) return nullptr;
    for (const config::PolicySettings& each : found->filters)
      if (each.type == "client_certificate") return &each.options;
    return nullptr;
  }
  /// Nobody without a certificate gets anything.
  bool shut_to_strangers() const {
    return std::all_of(
        translation_.routes.begin(), translation_.routes.end(), [](const config::Route& each) {
          return each.respond || std::any_of(each.filters.begin(), each.filters.end(),
                                             [](const config::PolicySettings& filter) {
                                               return filter.type == "client_certificate" &&
                                                      filter.options["required"].as<bool>();
                                             });
        });
  }
  bool required(std::string_view name) {
    const config::Value* options = demand(name);
    return options != nullptr && (*options)["required"].as<bool>();
  }
};

TEST_F(ClientCertificates, AreVerifiedByTheSecretsAuthorities) {
  add({.notes = {{"auth-tls-secret", "one"}}});
  const config::Value* options = filter("client_certificate");
  ASSERT_NE(options, nullptr);
  EXPECT_EQ((*options)["ca"].as<std::string>(), authority_one().certificate());
  EXPECT_TRUE((*options)["required"].as<bool>());
  EXPECT_EQ((*options)["depth"].as<std::int64_t>(), 1);
  EXPECT_FALSE((*options)["pass"].as<bool>());
  EXPECT_THAT(notices(), IsEmpty());
  EXPECT_NE(authority("a.example"), nullptr) << "the handshake asks";
  EXPECT_EQ(authority("b.example"), nullptr);
}

TEST_F(ClientCertificates, WithAllThatBelongsToThem) {
  add({.notes = {{"auth-tls-secret", "prod/one"},
                 {"auth-tls-verify-client", "optional"},
                 {"auth-tls-verify-depth", "3"},
                 {"auth-tls-pass-certificate-to-upstream", "true"}}});
  const config::Value* options = filter("client_certificate");
  ASSERT_NE(options, nullptr);
  EXPECT_FALSE((*options)["required"].as<bool>());
  EXPECT_EQ((*options)["depth"].as<std::int64_t>(), 3);
  EXPECT_TRUE((*options)["pass"].as<bool>());
  EXPECT_EQ(authority("a.example")->depth(), 3);
  add({.notes = {{"auth-tls-secret", "one"}, {"auth-tls-verify-client", "off"}}});
  EXPECT_EQ(filter("client_certificate"), nullptr);
  EXPECT_EQ(authority("a.example"), nullptr);
}

TEST_F(ClientCertificates, AMissingOrBrokenSecretIs503) {
  const auto expect_shut = [this](const std::string& words) {
    EXPECT_THAT(routes(), ElementsAre("a.example prefix / -> 503")) << words;
    EXPECT_THAT(notices(), ElementsAre(HasSubstr(words)));
  };
  add({.notes = {{"auth-tls-secret", "absent"}}});
  expect_shut("there is no Secret prod/absent");
  EXPECT_THAT(translation_.references.secrets, Contains(ObjectName{"prod", "absent"}));
  const std::string good = authority_one().certificate();
  for (const std::string& broken :
       {std::string(), std::string("no PEM"), good.substr(0, good.size() / 2),
        good + "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"}) {
    secret("absent", broken);
    expect_shut("auth-tls-secret: ");
  }
  secret("absent", good);
  EXPECT_NE(filter("client_certificate"), nullptr) << "it serves again";
}

TEST_F(ClientCertificates, ARevocationListThatCannotBeReadIs503) {
  Secret made = *store_.find<Secret>({"prod", "one"});
  made.data["ca.crl"] = "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n";
  store_.upsert(made);
  add({.notes = {{"auth-tls-secret", "one"}}});
  EXPECT_THAT(routes(), ElementsAre("a.example prefix / -> 503"));
}

TEST_F(ClientCertificates, AreAskedForByOneTextHoweverManyNameItsSecret) {
  Secret made = *store_.find<Secret>({"prod", "one"});
  made.data["ca.crl"] = authority_one().revoke(authority_one().issue({"gone.example"}));
  store_.upsert(made);
  add({.name = "web", .notes = {{"auth-tls-secret", "one"}}});
  add({.name = "other",
       .host = "b.example",
       .notes = {{"auth-tls-secret", "one"}, {"limit-rps", "5"}}});
  translate();
  const Secret& held = *store_.find<Secret>({"prod", "one"});
  for (const char* name : {"prod/web:a.example/", "prod/other:b.example/"}) {
    const config::Value* options = demand(name);
    ASSERT_NE(options, nullptr) << name;
    EXPECT_EQ(&(*options)["ca"].as<std::string>(), &held.value("ca.crt")) << name;
    EXPECT_EQ(&(*options)["crl"].as<std::string>(), &held.value("ca.crl")) << name;
  }
  EXPECT_EQ(authority("a.example"), authority("b.example"));
  EXPECT_THAT(authority("a.example")->pem(), HasSubstr("X509 CRL"));
}

TEST_F(ClientCertificates, OfOtherRevocationsCannotBeHadBesideTheOldest) {
  Secret made = *store_.find<Secret>({"prod", "one"});
  made.data["ca.crl"] = authority_one().revoke(authority_one().issue({"gone.example"}));
  made.meta.name = "with-list";
  store_.upsert(made);
  add({.name = "old", .notes = {{"auth-tls-secret", "with-list"}}});
  add({.name = "new",
       .path = "/new",
       .notes = {{"auth-tls-secret", "one"}},
       .created = "2026-02-01T00:00:00Z"});
  EXPECT_THAT(routes(), Contains("a.example prefix /new -> 503"));
}

TEST_F(ClientCertificates, HoldForTheWholeHostWhoeverHasAPathOnIt) {
  add({.name = "old", .notes = {{"auth-tls-secret", "one"}}});
  add({.name = "new", .path = "/new", .created = "2026-02-01T00:00:00Z"});
  add({.name = "older", .path = "/older", .created = "2025-01-01T00:00:00Z"});
  add({.name = "other", .host = "b.example"});
  translate();
  EXPECT_TRUE(required("prod/old:a.example/"));
  EXPECT_TRUE(required("prod/new:a.example/new"));
  EXPECT_TRUE(required("prod/older:a.example/older"));
  EXPECT_EQ(demand("prod/other:b.example/"), nullptr);
  EXPECT_THAT(notices(), IsEmpty());
}

TEST_F(ClientCertificates, AreNeverWeakenedByANewerIngress) {
  add({.name = "old", .notes = {{"auth-tls-secret", "one"}}});
  const Annotations weaker[] = {
      {{"auth-tls-secret", "one"}, {"auth-tls-verify-client", "optional"}},
      {{"auth-tls-secret", "one"}, {"auth-tls-verify-client", "off"}},
  };
  for (const Annotations& notes : weaker) {
    add({.name = "new", .path = "/new", .notes = notes, .created = "2026-02-01T00:00:00Z"});
    translate();
    EXPECT_TRUE(required("prod/old:a.example/"));
    EXPECT_TRUE(required("prod/new:a.example/new"));
  }
}

TEST_F(ClientCertificates, MayBeDemandedOnItsOwnPathsByANewerOne) {
  add({.name = "old",
       .notes = {{"auth-tls-secret", "one"}, {"auth-tls-verify-client", "optional"}}});
  add({.name = "new",
       .path = "/new",
       .notes = {{"auth-tls-secret", "one"}},
       .created = "2026-02-01T00:00:00Z"});
  translate();
  EXPECT_FALSE(required("prod/old:a.example/"));
  EXPECT_TRUE(required("prod/new:a.example/new"));
}

TEST_F(ClientCertificates, OfOtherAuthoritiesCannotBeHadBesideTheOldest) {
  add({.name = "old", .notes = {{"auth-tls-secret", "one"}}});
  add({.name = "new",
       .path = "/new",
       .notes = {{"auth-tls-secret", "two"}},
       .created = "2026-02-01T00:00:00Z"});
  EXPECT_THAT(routes(), UnorderedElementsAre("a.example prefix / -> prod/app:80",
                                             "a.example prefix /new -> 503"));
  EXPECT_THAT(notices(),
              ElementsAre(HasSubstr("prod/new AuthUnusable: auth-tls-secret: clients of "
                                    "a.example are asked as the older Ingress prod/old")));
}

// Half a host would be no host: where the handshake cannot ask, nobody gets in.
TEST_F(ClientCertificates, ThatCannotBeHadShutTheHost) {
  add({.name = "old", .notes = {{"auth-tls-secret", "absent"}}});
  add({.name = "new", .path = "/new", .created = "2026-02-01T00:00:00Z"});
  add({.name = "other", .host = "b.example"});
  EXPECT_THAT(routes(),
              UnorderedElementsAre("a.example prefix / -> 503", "a.example prefix /new -> 503",
                                   "b.example prefix / -> prod/app:80"));
  EXPECT_THAT(notices(), Contains(HasSubstr("prod/new AuthUnusable")));
}

TEST_F(ClientCertificates, OfAnIngressThatIsRefusedKeepTheHostClosed) {
  add({.name = "old", .notes = {{"auth-tls-secret", "one"}, {"server-snippet", "x"}}});
  add({.name = "new", .path = "/new", .created = "2026-02-01T00:00:00Z"});
  translate();
  EXPECT_TRUE(required("prod/new:a.example/new"));
}

TEST_F(ClientCertificates, OfOneThatIsRefusedAndCannotBeHadKeepTheHostShutAfterAStart) {
  const Annotations unusable[] = {
      {{"auth-tls-secret", "absent"}, {"server-snippet", "x"}},
      {{"auth-tls-secret", "dev/one"}},
      {{"auth-tls-secret", "a/b/c"}},
      {{"auth-tls-verify-client", "on"}},
      {{"auth-tls-verify-depth", "2"}},
      {{"auth-tls-secert", "one"}},
      {{"auth-tls-match-cn", "CN=a"}},
      {{"auth-tls-secret", "one"}, {"auth-tls-verify-depth", "deep"}},
  };
  add({.name = "new", .path = "/new", .created = "2026-02-01T00:00:00Z"});
  for (const Annotations& notes : unusable) {
    add({.name = "old", .notes = {{"auth-tls-secret", "one"}}});
    translate();
    EXPECT_TRUE(shut_to_strangers());
    add({.name = "old", .notes = notes});
    translate();
    EXPECT_TRUE(shut_to_strangers()) << notes.front().second;
    translator_.reset();
    translate();
    EXPECT_TRUE(shut_to_strangers()) << notes.front().second << ", after a start";
  }
}

TEST_F(ClientCertificates, OfAnIngressThatBeginsToAskAndIsRefusedShutTheHost) {
  add({.name = "old"});
  translate();
  EXPECT_FALSE(shut_to_strangers());
  add({.name = "old", .notes = {{"auth-tls-verify-client", "on"}}});
  translate();
  EXPECT_TRUE(shut_to_strangers()) << "its last good version asks nobody";
}

TEST_F(ClientCertificates, OfEveryOtherHostHoldForTheDefaultBackend) {
  add_service("pages", 80, {"10.0.0.8"}, "infra");
  settings_.default_backend = "infra/pages:80";
  add({.host = "", .path = "/admin", .notes = {{"auth-tls-secret", "one"}}});
  add({.name = "plain", .host = "b.example", .path = "/b"});
  translate();
  EXPECT_TRUE(required("default-backend:*"));
  EXPECT_NE(route("default-backend:hosts"), nullptr);
  EXPECT_EQ(demand("default-backend:hosts"), nullptr);
}

TEST_F(ClientCertificates, ThatNobodyAsksForAnyMoreOpenTheHost) {
  add({.name = "old", .notes = {{"auth-tls-verify-client", "off"}}});
  add({.name = "new", .path = "/new", .created = "2026-02-01T00:00:00Z"});
  EXPECT_THAT(routes(), UnorderedElementsAre("a.example prefix / -> 503",
                                             "a.example prefix /new -> prod/app:80"));
}

TEST_F(ClientCertificates, HoldForAliasesWildcardsAndDefaultBackends) {
  add_service("pages", 80, {"10.0.0.8"}, "infra");
  settings_.default_backend = "infra/pages:80";
  add({.path = "/x", .notes = {{"auth-tls-secret", "one"}, {"server-alias", "alias.example"}}});
  add({.name = "wild", .host = "*.wild.example", .notes = {{"auth-tls-secret", "two"}}});
  add({.name = "open", .host = "open.wild.example"});
  translate();
  EXPECT_TRUE(required("prod/web:a.example/x"));
  EXPECT_TRUE(required("default-backend:a.example"));
  EXPECT_EQ(demand("default-backend:*"), nullptr);
  EXPECT_EQ(authority("alias.example"), authority("a.example"));
  EXPECT_NE(authority("any.wild.example"), nullptr);
  EXPECT_NE(authority("any.wild.example"), authority("a.example"));
  EXPECT_EQ(authority("open.wild.example"), nullptr) << "a host of its own";
  EXPECT_EQ(authority("a.b.wild.example"), nullptr) << "a wildcard is one label";
}

TEST_F(ClientCertificates, AreNotAskedForInAChallengeOfAnAuthority) {
  add({.notes = {{"auth-tls-secret", "one"}}});
  add({.name = "solver", .path = "/.well-known/acme-challenge/t", .type = PathType::exact});
  translate();
  EXPECT_EQ(demand("prod/solver:a.example=/.well-known/acme-challenge/t"), nullptr);
  EXPECT_TRUE(required("prod/web:a.example/"));
}

TEST_F(ClientCertificates, OfACanaryAreItsMainIngresss) {
  add_service("next", 80, {"10.0.0.2"});
  add({.notes = {{"auth-tls-secret", "one"}}});
  add({.name = "canary",
       .service = "next:80",
       .notes = {{"canary", "true"}, {"canary-by-header", "X-New"}}});
  translate();
  for (const config::Route& each : translation_.routes)
    EXPECT_TRUE(required(each.name)) << each.name;
}

}  // namespace
}  // namespace gateway::kubernetes
