#include "gateway/config/scalar.h"
#include "tests/unit/kubernetes_translator/cluster.h"

namespace gateway::kubernetes {
namespace {

using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

/// Ingresses that ask for a login: served with it or not at all.
class Logins : public Cluster {
 protected:
  Logins() { add_service("oauth", 4180, {"10.0.0.9"}); }

  void with(Annotations notes) { add({.notes = std::move(notes)}); }
  void secret(const std::string& name, Texts data) {
    Secret made;
    made.meta.namespace_ = "prod";
    made.meta.name = name;
    made.data = std::move(data);
    store_.upsert(made);
  }
  std::string option(std::string_view type, std::string_view name) {
    const config::Value* options = filter(type);
    EXPECT_THAT(notices(), IsEmpty());
    if (options == nullptr) return "no filter";
    return (*options)[name].is_set() ? config::format_scalar((*options)[name]) : "unset";
  }
  void expect_unusable(const std::string& words) {
    EXPECT_THAT(routes(), ElementsAre("a.example prefix / -> 503")) << words;
    EXPECT_THAT(notices(), ElementsAre(HasSubstr("AuthUnusable"))) << words;
    EXPECT_THAT(notices(), ElementsAre(HasSubstr(words)));
  }
};

constexpr const char* kAnn = "ann:$apr1$r31.....$G/cElGhD0cboYkZN5h5Ne/\n";
constexpr const char* kBob = "bob:$apr1$r31.....$G/cElGhD0cboYkZN5h5Ne/\n";

TEST_F(Logins, BasicAuthWithTheUsersOfASecret) {
  secret("users", {{"auth", kAnn}});
  with({{"auth-type", "basic"}, {"auth-secret", "users"}});
  EXPECT_EQ((*filter("basic_auth"))["users"].as<std::string>(), kAnn);
  EXPECT_EQ(option("basic_auth", "realm"), "Authentication Required");
  EXPECT_EQ(option("basic_auth", "forward_credentials"), "false");
  EXPECT_THAT(translation_.references.secrets, Contains(ObjectName{"prod", "users"}));
  with({{"auth-type", "basic"},
        {"auth-secret", "prod/users"},
        {"auth-secret-type", "auth-file"},
        {"auth-realm", "the shop"}});
  EXPECT_EQ(option("basic_auth", "realm"), "the shop");
}

TEST_F(Logins, TheUsersOfASecretAreHeldOnceHoweverManyRoutesNameIt) {
  secret("users", {{"auth", kAnn}});
  const Annotations notes{{"auth-type", "basic"}, {"auth-secret", "users"}};
  add({.name = "one", .notes = notes});
  add({.name = "two", .host = "b.example", .notes = notes});
  translate();
  const std::string* held = &store_.find<Secret>({"prod", "users"})->value("auth");
  ASSERT_EQ(translation_.routes.size(), 2U);
  for (const config::Route& each : translation_.routes)
    EXPECT_EQ(&each.filters.at(0).options["users"].as<std::string>(), held) << each.name;
}

TEST_F(Logins, BasicAuthFollowsItsSecret) {
  secret("users", {{"auth", kAnn}});
  with({{"auth-type", "basic"}, {"auth-secret", "users"}});
  translate();
  secret("users", {{"auth", kBob}});
  EXPECT_EQ((*filter("basic_auth"))["users"].as<std::string>(), kBob);
  store_.erase<Secret>({"prod", "users"});
  expect_unusable("there is no Secret prod/users");
  secret("users", {{"auth", kAnn}});
  EXPECT_EQ((*filter("basic_auth"))["users"].as<std::string>(), kAnn) << "it serves again";
}

TEST_F(Logins, BasicAuthWithoutUsersIs503) {
  with({{"auth-type", "basic"}});
  expect_unusable("auth-secret: is missing");
  with({{"auth-type", "basic"}, {"auth-secret", "users"}});
  expect_unusable("there is no Secret prod/users");
  EXPECT_THAT(translation_.references.secrets, Contains(ObjectName{"prod", "users"}))
      << "it is waited for";
  secret("users", {{"users", kAnn}});
  expect_unusable("has nothing under auth");
  for (const char* broken : {"ann", "ann:", "ann:plain", "# nobody\n", "ann:x\nann:y\n"}) {
    secret("users", {{"auth", broken}});
    expect_unusable("auth-secret: ");
    EXPECT_THAT(notices(), Not(Contains(HasSubstr("plain")))) << "no hash in an Event";
  }
}

TEST_F(Logins, ExternalAuthAsksAService) {
  with({{"auth-url",
         "http://oauth.prod.svc.cluster.local:4180/oauth2/auth?from=$escaped_request_uri"}});
  EXPECT_EQ(option("external_auth", "upstream"), "prod/oauth:4180");
  EXPECT_EQ(option("external_auth", "host"), "oauth.prod.svc.cluster.local");
  EXPECT_EQ(option("external_auth", "path"), "/oauth2/auth?from=$escaped_request_uri");
  EXPECT_EQ(option("external_auth", "method"), "GET");
  EXPECT_EQ(option("external_auth", "signin"), "unset");
  EXPECT_EQ(option("external_auth", "cache_key"), "unset");
  EXPECT_FALSE(upstream("prod/oauth:4180")->private_) << "its sign-in page may be served";
}

TEST_F(Logins, AnEmptyCacheKeyIsNone) {
  with({{"auth-url", "http://oauth.prod.svc:4180/"}, {"auth-cache-key", ""}});
  EXPECT_EQ(option("external_auth", "cache_key"), "unset");
}

TEST_F(Logins, ACacheKeyThatIsAlikeForAllIsRefused) {
  with({{"auth-url", "http://oauth.prod.svc:4180/"}, {"auth-cache-key", "v1"}});
  EXPECT_TRUE(refused("the same for every client"));
}

TEST_F(Logins, ExternalAuthWithAllThatBelongsToIt) {
  with({{"auth-url", "https://oauth.prod.svc:4180/"},
        {"auth-signin", "https://$host/oauth2/start?rd=$escaped_request_uri"},
        {"auth-signin-redirect-param", "next"},
        {"auth-response-headers", "X-Auth-Request-User, Authorization"},
        {"auth-method", "HEAD"},
        {"auth-cache-key", "$cookie_session$http_authorization"},
        {"auth-cache-duration", "200 202 2m, 401 1s"}});
  EXPECT_EQ(option("external_auth", "signin"),
            "https://$host/oauth2/start?rd=$escaped_request_uri");
  EXPECT_EQ(option("external_auth", "redirect_param"), "next");
  EXPECT_EQ(option("external_auth", "response_headers"), "[X-Auth-Request-User, Authorization]");
  EXPECT_EQ(option("external_auth", "strip"), "route") << "other routes are others'";
  EXPECT_EQ(option("external_auth", "method"), "HEAD");
  EXPECT_EQ(option("external_auth", "cache_time"), "2m");
  const std::string name = option("external_auth", "upstream");
  ASSERT_NE(upstream(name), nullptr);
  EXPECT_EQ(upstream(name)->tls->server_name, "oauth.prod.svc");
  with({{"auth-url", "http://oauth.prod.svc:4180/"},
        {"auth-cache-key", "$cookie_session"},
        {"auth-cache-duration", "200 100h"}});
  EXPECT_EQ(option("external_auth", "cache_time"), "24h") << "no longer than the filter takes";
}

TEST_F(Logins, ExternalAuthWithoutItsServiceIs503) {
  with({{"auth-url", "http://absent.prod.svc/auth"}});
  expect_unusable("external_auth: there is no Service prod/absent");
  settings_.allow_external_names = false;
  Service outside;
  outside.meta.namespace_ = "prod";
  outside.meta.name = "outside";
  outside.type = "ExternalName";
  outside.external_name = "metadata.internal";
  outside.ports.push_back({"", 80, "TCP", 0});
  store_.upsert(outside);
  with({{"auth-url", "http://outside.prod.svc/auth"}});
  expect_unusable("ExternalName");
}

TEST_F(Logins, AChallengeOfAnAuthorityIsAskedForNone) {
  secret("users", {{"auth", kAnn}});
  add({.path = "/.well-known/acme-challenge/t",
       .notes = {{"auth-type", "basic"}, {"auth-secret", "users"}},
       .type = PathType::exact});
  EXPECT_EQ(filter("basic_auth"), nullptr);
  EXPECT_EQ(answer("http", "a.example", "/.well-known/acme-challenge/t"), "prod/app:80");
}

// The version before is open to whom the owner wants kept out.
TEST_F(Logins, OneThatIsRefusedWithANewLoginIsNotServedAsItWas) {
  const Annotations logins[] = {
      {{"auth-type", "basic"}, {"auth-secret", "users"}},
      {{"auth-url", "http://oauth.prod.svc:4180/"}},
      {{"auth-tls-secret", "authority"}},
      {{"token-auth-upstream", "oauth:4180"}},
  };
  for (Annotations notes : logins) {
    with({});
    EXPECT_THAT(routes(), ElementsAre("a.example prefix / -> prod/app:80"));
    notes.emplace_back("server-snippet", "x");
    with(notes);
    EXPECT_TRUE(refused("server-snippet")) << notes[0].first;
  }
}

}  // namespace
}  // namespace gateway::kubernetes
