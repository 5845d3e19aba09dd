#include "gateway/kubernetes/annotation_table.h"

#include <algorithm>

#include "gateway/config/scalar.h"
#include "gateway/filter/table.h"
#include "gateway/kubernetes/annotation_values.h"
#include "gateway/kubernetes/ingress_plan.h"
#include "tests/unit/kubernetes_translator/cluster.h"

namespace gateway::kubernetes {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(AnnotationTable, EveryRowIsComplete) {
  for (const AnnotationFamily& family : annotation_families()) {
    for (const Annotation& row : family.rows) {
      EXPECT_EQ(find_annotation(row.field.name), &row) << row.field.name << " is there twice";
      const bool heeded = row.standing == Standing::same || row.standing == Standing::differs;
      EXPECT_TRUE(!heeded || !row.field.text.empty() || !row.note.empty()) << row.field.name;
      EXPECT_TRUE(row.standing == Standing::same || !row.note.empty()) << row.field.name;
      EXPECT_TRUE(!looks_protective(row.field.name) || row.security) << row.field.name;
      const bool written_out = row.field.default_text == "SERVICE.NAMESPACE.svc";
      if (!row.field.default_text.empty() && !written_out) {
        EXPECT_TRUE(parse_value(row, row.field.default_text)) << row.field.name;
      }
    }
  }
}

AnnotationValues read(const std::string& key, const std::string& text) {
  return AnnotationValues::read({{std::string(kNginxPrefix) + key, text}});
}

TEST(AnnotationValuesTest, ValuesAreTyped) {
  EXPECT_EQ(read("proxy-read-timeout", "30").duration("proxy-read-timeout"), 30s);
  EXPECT_EQ(read("proxy-read-timeout", " 250ms ").duration("proxy-read-timeout"), 250ms);
  EXPECT_EQ(read("proxy-body-size", "8m")["proxy-body-size"].as<config::Size>().bytes, 8U << 20);
  EXPECT_EQ(read("proxy-body-size", "8K")["proxy-body-size"].as<config::Size>().bytes, 8U << 10);
  EXPECT_THAT(read("denylist-source-range", "10.0.0.0/8, fd00::/8,").list("denylist-source-range"),
              ElementsAre("10.0.0.0/8", "fd00::/8"));
  EXPECT_THAT(read("custom-http-errors", "404,503").list("custom-http-errors"),
              ElementsAre("404", "503"));
}

TEST(AnnotationValuesTest, WhatIsNoValueIsRefused) {
  const std::pair<const char*, const char*> wrong[] = {{"use-regex", "yes"},
                                                       {"limit-rps", "0"},
                                                       {"limit-rps", "many"},
                                                       {"proxy-body-size", "-1"},
                                                       {"whitelist-source-range", "10.0.0.0/99"},
                                                       {"whitelist-source-range", ""},
                                                       {"auth-type", "none"},
                                                       {"app-root", "root"},
                                                       {"permanent-redirect", "ftp://x"},
                                                       {"permanent-redirect", "https://x/\"y"},
                                                       {"token-auth-upstream", "app-b"},
                                                       {"auth-secret", "a/b/c"},
                                                       {"server-alias", "~^a.*"},
                                                       {"canary-by-header-pattern", "("},
                                                       {"custom-http-errors", "200"}};
  for (const auto& [key, text] : wrong)
    EXPECT_THAT(read(key, text).refusals(), SizeIs(1)) << key << " " << text;
}

TEST(AnnotationValuesTest, UnknownKeysWarnUnlessTheyLookProtective) {
  EXPECT_THAT(read("some-thing", "x").warnings(), SizeIs(1));
  EXPECT_THAT(read("some-thing", "x").refusals(), IsEmpty());
  for (const char* key :
       {"auth-urll", "limit-rpss", "whitelst-source-range", "token-auth-ttl", "my-snippet"})
    EXPECT_THAT(read(key, "x").refusals(), SizeIs(1)) << key;
}

TEST(AnnotationValuesTest, OurOwnPrefixGoesFirst) {
  const auto values = AnnotationValues::read({{std::string(kNginxPrefix) + "limit-rps", "5"},
                                              {std::string(kOwnPrefix) + "limit-rps", "7"},
                                              {"else/limit-rps", "9"}});
  EXPECT_EQ(values.number("limit-rps"), 7);
}

/// One annotation, or a few, on an Ingress for `/` of a.example.
class Annotated : public Cluster {
 protected:
  void with(Annotations notes, std::string path = "/", PathType type = PathType::prefix) {
    add({.path = std::move(path), .notes = std::move(notes), .type = type});
  }
  const config::Upstream& only_upstream() {
    translate();
    EXPECT_THAT(notices(), IsEmpty());
    return translation_.upstreams.at(0);
  }
  std::string option(std::string_view type, std::string_view name) {
    const config::Value* options = filter(type);
    EXPECT_THAT(notices(), IsEmpty());
    return options == nullptr ? "no filter" : config::format_scalar((*options)[name]);
  }
};

TEST_F(Annotated, RewriteTargetOfAPlainPathReplacesIt) {
  with({{"rewrite-target", "/"}}, "/foo");
  EXPECT_THAT(routes(), ElementsAre("a.example prefix /foo -> prod/app:80"));
  EXPECT_EQ(only_route().rewrite->path, "/");
}

TEST_F(Annotated, RewriteTargetWithGroups) {
  with({{"rewrite-target", "/api/$2"}}, "/foo(/|$)(.*)", PathType::implementation_specific);
  EXPECT_THAT(routes(), ElementsAre("a.example regex (?i)(?:/foo(/|$)(.*)).* -> prod/app:80"));
  EXPECT_EQ(only_route().rewrite->regex_substitution, "/api/\\2");
}

TEST_F(Annotated, UseRegexMakesPatternsLongestFirst) {
  with({{"use-regex", "true"}}, "/a[0-9]");
  add({.name = "longer", .path = "/a[0-9]+/long", .notes = {{"use-regex", "true"}}});
  add({.name = "plain", .path = "/a1"});
  EXPECT_THAT(routes(), ElementsAre("a.example regex (?i)(?:/a[0-9]+/long).* -> prod/app:80",
                                    "a.example regex (?i)(?:/a[0-9]).* -> prod/app:80",
                                    "a.example prefix /a1 -> prod/app:80"));
}

TEST_F(Annotated, CompatibilityMakesPatternsOfTheWholeHost) {
  settings_.also_classes.clear();
  apply(R"(
kind: IngressClass
metadata: {name: nginx}
spec:
  controller: gateway.ingress/controller
  parameters: {kind: ConfigMap, namespace: infra, name: parameters}
---
kind: ConfigMap
metadata: {name: parameters, namespace: infra}
data: {compat: ingress-nginx}
)");
  with({{"use-regex", "true"}}, "/a[0-9]");
  add({.name = "plain", .path = "/a.b"});
  add({.name = "other", .host = "b.example", .path = "/a.b"});
  EXPECT_THAT(routes(), ElementsAre("a.example regex (?i)(?:/a[0-9]).* -> prod/app:80",
                                    "a.example regex (?i)(?:/a\\.b).* -> prod/app:80",
                                    "b.example prefix /a.b -> prod/app:80"));
  add({.name = "plain-exact", .path = "/a.b", .type = PathType::exact});
  EXPECT_THAT(routes(), SizeIs(3)) << "as patterns they are the same";
  EXPECT_THAT(notices(), ElementsAre(HasSubstr("all paths of this host are patterns")));
}

TEST_F(Annotated, PatternsWithMarksInThemHaveNamesOfTheirOwn) {
  Ingress ingress = make({.path = "/x", .notes = {{"use-regex", "true"}}});
  for (const char* path : {"/x[#]", "/x[_]"})
    ingress.rules[0].paths.push_back(
        {path, PathType::implementation_specific, Backend{"app", "80", ""}});
  store_.upsert(ingress);
  EXPECT_THAT(routes(), SizeIs(3));
}

TEST_F(Annotated, AppRoot) {
  with({{"app-root", "/start"}});
  EXPECT_THAT(routes(), ElementsAre("a.example prefix / -> prod/app:80",
                                    "a.example exact / -> 302 ://"
                                    "/start"));
}

TEST_F(Annotated, ServerAlias) {
  with({{"server-alias", "b.example, C.example"}});
  add({.name = "own", .host = "c.example"});
  EXPECT_THAT(routes(), ElementsAre("a.example,b.example prefix / -> prod/app:80",
                                    "c.example prefix / -> prod/app:80"));
  EXPECT_THAT(notices(), ElementsAre(HasSubstr("server-alias: c.example")));
}

TEST_F(Annotated, UpstreamVhostAndForwardedPrefix) {
  with({{"upstream-vhost", "inner.example"}, {"x-forwarded-prefix", "/base"}});
  EXPECT_EQ(only_route().rewrite->host, "inner.example");
  EXPECT_EQ((*filter("header_edits"))["request"]["set"]["X-Forwarded-Prefix"].as<std::string>(),
            "/base");
}

TEST_F(Annotated, CustomHeaders) {
  apply("{kind: ConfigMap, metadata: {name: fields, namespace: prod}, data: {X-Team: blue}}");
  with({{"custom-headers", "fields"}});
  EXPECT_EQ((*filter("header_edits"))["response"]["set"]["X-Team"].as<std::string>(), "blue");
  apply("{kind: ConfigMap, metadata: {name: fields, namespace: prod}, data: {X-Team: red}}");
  EXPECT_EQ((*filter("header_edits"))["response"]["set"]["X-Team"].as<std::string>(), "red");
}

TEST_F(Annotated, Redirects) {
  const auto redirect = [&](Annotations notes) {
    with(std::move(notes));
    return routes().at(0);
  };
  EXPECT_EQ(redirect({{"permanent-redirect", "https://b.example/x"}}),
            "a.example prefix / -> 301 https://b.example/x");
  EXPECT_EQ(
      redirect({{"permanent-redirect", "https://b.example"}, {"permanent-redirect-code", "308"}}),
      "a.example prefix / -> 308 https://b.example/");
  EXPECT_EQ(redirect({{"temporal-redirect", "http://b.example:81$request_uri"}}),
            "a.example prefix / -> 302 http://b.example");
  EXPECT_EQ(*only_route().redirect->port, 81);
  EXPECT_EQ(redirect({{"force-ssl-redirect", "true"}}),
            "a.example prefix / https-only -> prod/app:80");
}

TEST_F(Annotated, FromToWww) {
  with({{"from-to-www-redirect", "true"}});
  EXPECT_THAT(routes(), ElementsAre("a.example prefix / -> prod/app:80",
                                    "www.a.example prefix / -> 308 ://a.example"));
  add({.name = "own", .host = "www.a.example"});
  EXPECT_EQ(answer("http", "www.a.example", "/"), "prod/app:80") << "it is somebody's";
  EXPECT_THAT(notices(), ElementsAre(HasSubstr("www.a.example is not redirected to a.example")));
}

TEST_F(Annotated, CanaryByWeight) {
  add_service("next", 80, {"10.0.0.2"});
  with({{"proxy-body-size", "2m"}});
  add({.name = "canary",
       .service = "next:80",
       .notes = {{"canary", "true"}, {"canary-weight", "5"}, {"canary-weight-total", "50"}}});
  EXPECT_THAT(routes(), ElementsAre("a.example prefix / -> prod/app:80*45 prod/next:80*5"));
  EXPECT_EQ(option("body_limit", "size"), "2MiB") << "all else is the main Ingress's";
}

TEST_F(Annotated, CanaryByHeaderCookieAndWeightInThisOrder) {
  add_service("next", 80, {"10.0.0.2"});
  with({});
  add({.name = "canary",
       .service = "next:80",
       .notes = {{"canary", "true"},
                 {"canary-by-header", "X-Canary"},
                 {"canary-by-cookie", "try.it"},
                 {"canary-weight", "100"}}});
  EXPECT_THAT(
      routes(),
      ElementsAre("a.example prefix / [X-Canary=always] -> prod/next:80",
                  "a.example prefix / [X-Canary=never] -> prod/app:80",
                  "a.example prefix / [Cookie~(?:.*; ?)?try\\.it=always(?: ?;.*)?] -> prod/next:80",
                  "a.example prefix / [Cookie~(?:.*; ?)?try\\.it=never(?: ?;.*)?] -> prod/app:80",
                  "a.example prefix / -> prod/app:80*0 prod/next:80*100"));
}

TEST_F(Annotated, CanaryByHeaderValueAndPattern) {
  add_service("next", 80, {"10.0.0.2"});
  with({});
  const auto canary = [&](std::string key, std::string value) {
    add({.name = "canary",
         .service = "next:80",
         .notes = {{"canary", "true"}, {"canary-by-header", "X-Who"}, {key, value}}});
    return routes().at(0);
  };
  EXPECT_EQ(canary("canary-by-header-value", "me"),
            "a.example prefix / [X-Who=me] -> prod/next:80");
  EXPECT_EQ(canary("canary-by-header-pattern", "m|n"),
            "a.example prefix / [X-Who~.*(?:m|n).*] -> prod/next:80");
}

TEST_F(Annotated, OneCanaryForAPathAndNoneWithoutAMain) {
  with({});
  add({.name = "canary-1", .notes = {{"canary", "true"}}});
  add({.name = "canary-2", .notes = {{"canary", "true"}}});
  add({.name = "stray", .host = "b.example", .notes = {{"canary", "true"}}});
  EXPECT_THAT(routes(), ElementsAre("a.example prefix / -> prod/app:80"));
  EXPECT_THAT(notices(), ElementsAre(HasSubstr("has a canary already: prod/canary-1"),
                                     HasSubstr("there is no Ingress for path / of b.example")));
}

TEST_F(Annotated, SourceRanges) {
  with({{"whitelist-source-range", "10.0.0.0/8"}, {"denylist-source-range", "10.1.0.0/16"}});
  EXPECT_EQ(option("allow_deny", "allow"), "[10.0.0.0/8]");
  EXPECT_EQ(option("allow_deny", "deny"), "[10.1.0.0/16]");
  with({{"allowlist-source-range", "10.2.0.0/16"}});
  EXPECT_EQ(option("allow_deny", "allow"), "[10.2.0.0/16]");
}

TEST_F(Annotated, TokenAuthentication) {
  add_service("app-b", 8080, {"10.0.0.66"});
  with({{"gateway.ingress/token-auth-upstream", "app-b:8080"},
        {"gateway.ingress/token-auth-path", "/check"},
        {"gateway.ingress/token-auth-allow-ttl", "5m"},
        {"gateway.ingress/token-auth-deny-ttl", "3"},
        {"gateway.ingress/token-auth-stale-ttl", "1h"},
        {"gateway.ingress/token-auth-timeout", "500ms"},
        {"gateway.ingress/token-auth-realm", "jobs"}});
  EXPECT_EQ(option("token", "upstream"), "prod/app-b:8080");
  EXPECT_EQ(option("token", "path"), "/check");
  EXPECT_EQ(option("token", "allow_ttl"), "5m");
  EXPECT_EQ(option("token", "deny_ttl"), "3s");
  EXPECT_EQ(option("token", "stale_ttl"), "1h");
  EXPECT_EQ(option("token", "timeout"), "500ms");
  EXPECT_EQ(option("token", "realm"), "jobs");
  EXPECT_EQ(option("token", "user_header"), "X-Auth-User") << "defaults are filled";
}

TEST_F(Annotated, RateLimits) {
  with({{"limit-rps", "10"}});
  EXPECT_EQ(option("rate_limit", "rate"), "10");
  EXPECT_EQ(option("rate_limit", "burst"), "50");
  EXPECT_EQ(option("rate_limit", "by"), "address");
  EXPECT_EQ(option("rate_limit", "name"), "prod/web limit-rps");
  with({{"limit-rpm", "30"}, {"limit-burst-multiplier", "2"}});
  EXPECT_EQ(option("rate_limit", "rate"), "0.5");
  EXPECT_EQ(option("rate_limit", "burst"), "60");
  with({{"limit-rps", "10"}, {"limit-burst", "11"}});
  EXPECT_EQ(option("rate_limit", "burst"), "11");
  with({{"limit-rps", "10"}, {"limit-rpm", "30"}});
  EXPECT_THAT(only_route().filters, SizeIs(3)) << "both, and the bound on bodies";
  with({{"limit-connections", "4"}});
  EXPECT_EQ(option("concurrency_limit", "requests"), "4");
}

TEST_F(Annotated, RateLimitByToken) {
  add_service("app-b", 8080, {"10.0.0.66"});
  with({{"limit-rps", "10"}, {"limit-by", "token"}, {"token-auth-upstream", "app-b:8080"}});
  EXPECT_EQ(option("rate_limit", "by"), "token");
}

TEST_F(Annotated, AddressesThatAreNotCounted) {
  with({{"limit-rps", "10"}, {"limit-connections", "4"}, {"limit-whitelist", "10.0.0.0/8,::1"}});
  EXPECT_EQ(option("rate_limit", "exempt"), "[10.0.0.0/8, ::1]");
  EXPECT_EQ(option("concurrency_limit", "exempt"), "[10.0.0.0/8, ::1]");
}

TEST_F(Annotated, Cors) {
  with({{"enable-cors", "true"},
        {"cors-allow-origin", "https://one.example, https://*.two.example:8443"},
        {"cors-allow-methods", "GET, PATCH"},
        {"cors-allow-headers", "X-One,X-Two"},
        {"cors-expose-headers", "X-Three"},
        {"cors-max-age", "600"}});
  EXPECT_EQ(option("cors", "allow_origins"), "[https://one.example, https://*.two.example:8443]");
  EXPECT_EQ(option("cors", "allow_methods"), "[GET, PATCH]");
  EXPECT_EQ(option("cors", "allow_headers"), "[X-One, X-Two]");
  EXPECT_EQ(option("cors", "expose_headers"), "[X-Three]");
  EXPECT_EQ(option("cors", "allow_credentials"), "true");
  EXPECT_EQ(option("cors", "max_age"), "10m");
  with({{"enable-cors", "true"},
        {"cors-allow-origin", "https://a.b"},
        {"cors-allow-credentials", "false"}});
  EXPECT_EQ(option("cors", "allow_credentials"), "false");
}

TEST_F(Annotated, CorsForEverybodyIsWithoutCredentials) {
  with({{"enable-cors", "true"}});
  EXPECT_EQ(option("cors", "allow_origins"), "[*]");
  EXPECT_EQ(option("cors", "max_age"), "480h");
  for (const char* origins : {"*", "https://one.example, *", "https://one.example, null"}) {
    with({{"enable-cors", "true"}, {"cors-allow-origin", origins}});
    EXPECT_EQ(option("cors", "allow_credentials"), "false") << origins;
  }
}

TEST_F(Annotated, ErrorPagesOfADefaultBackend) {
  add_service("pages", 8080, {"10.0.0.8"});
  with({{"custom-http-errors", "404,503"}, {"default-backend", "pages"}});
  EXPECT_EQ(option("error_pages", "codes"), "[404, 503]");
  EXPECT_EQ(option("error_pages", "answers"), "true");
  EXPECT_EQ(option("error_pages", "upstream"), "prod/pages:8080");
  EXPECT_EQ((*filter("error_pages"))["headers"]["X-Namespace"].as<std::string>(), "prod");
  EXPECT_EQ((*filter("error_pages"))["headers"]["X-Ingress-Name"].as<std::string>(), "web");
  with({{"default-backend", "pages:8080"}});
  EXPECT_EQ(option("error_pages", "codes"), "[503]");
  EXPECT_EQ(option("error_pages", "answers"), "false") << "its own 503 is the application's";
}

TEST_F(Annotated, ErrorPagesAreToldWhichServiceWasToAnswer) {
  add_service("pages", 8080, {"10.0.0.8"});
  add_service("shop", 81, {"10.0.0.9"});
  Ingress ingress = make({.notes = {{"custom-http-errors", "404"}, {"default-backend", "pages"}}});
  ingress.rules[0].paths.push_back({"/shop", PathType::prefix, {"shop", "81", {}}});
  store_.upsert(ingress);
  translate();
  const auto told = [this](std::string_view name, std::string_view header) {
    for (const config::PolicySettings& each : route(name)->filters)
      if (each.type == "error_pages") return config::format_scalar(each.options["headers"][header]);
    return std::string("no filter");
  };
  EXPECT_EQ(told("prod/web:a.example/", "X-Service-Name"), "app");
  EXPECT_EQ(told("prod/web:a.example/", "X-Service-Port"), "80");
  EXPECT_EQ(told("prod/web:a.example/shop", "X-Service-Name"), "shop");
  EXPECT_EQ(told("prod/web:a.example/shop", "X-Service-Port"), "81");
  EXPECT_EQ(told("prod/web:a.example/shop", "X-Ingress-Name"), "web");
}

TEST_F(Annotated, ErrorPagesOfTheDefaultBackendOfTheClass) {
  add_service("pages", 80, {"10.0.0.8"}, "infra");
  settings_.default_backend = "infra/pages:80";
  with({{"custom-http-errors", "404"}});
  translate();
  const config::Route* made = route("prod/web:a.example/");
  ASSERT_NE(made, nullptr);
  const auto pages = std::find_if(made->filters.begin(), made->filters.end(),
                                  [](const auto& each) { return each.type == "error_pages"; });
  ASSERT_NE(pages, made->filters.end());
  EXPECT_EQ(pages->options["upstream"].as<std::string>(), "infra/pages:80");
}

// They are no protection: who has lost them serves on.
TEST_F(Annotated, ErrorPagesThatCannotBeHadAreLeftOut) {
  with({{"custom-http-errors", "404"}, {"default-backend", "absent"}});
  EXPECT_EQ(filter("error_pages"), nullptr);
  EXPECT_THAT(routes(), ElementsAre("a.example prefix / -> prod/app:80"));
  EXPECT_THAT(notices(), ElementsAre(HasSubstr("error_pages: there is no Service prod/absent")));
}

TEST_F(Annotated, WebSocketsPassWithoutAWord) {
  with({});
  EXPECT_EQ(only_route().upgrade, config::Upgrade::websocket);
  EXPECT_EQ(only_upstream().timeouts.tunnel_idle, 1h);
  with({{"proxy-read-timeout", "86400"}});
  EXPECT_EQ(only_upstream().timeouts.tunnel_idle, 24h);
  with({{"proxy-read-timeout", "30"}});
  EXPECT_EQ(only_upstream().timeouts.tunnel_idle, 1h);
  with({{"proxy-read-timeout", "0"}});
  EXPECT_EQ(only_upstream().timeouts.tunnel_idle, 0s);
}

TEST_F(Annotated, BodySize) {
  with({{"proxy-body-size", "10m"}});
  EXPECT_EQ(option("body_limit", "size"), "10MiB");
  with({{"proxy-body-size", "0"}});
  EXPECT_EQ(option("body_limit", "size"), "no filter");
}

TEST_F(Annotated, Timeouts) {
  with(
      {{"proxy-connect-timeout", "2"}, {"proxy-read-timeout", "600"}, {"proxy-send-timeout", "5"}});
  EXPECT_EQ(only_upstream().timeouts.connect, 2s);
  EXPECT_EQ(only_route().timeout, 600s);
  EXPECT_EQ(only_route().idle_timeout, 600s);
}

TEST_F(Annotated, Retries) {
  with({{"proxy-next-upstream", "error timeout http_503 http_502"},
        {"proxy-next-upstream-tries", "5"},
        {"proxy-next-upstream-timeout", "3"}});
  EXPECT_EQ(only_upstream().retries.attempts, 4U);
  EXPECT_THAT(only_upstream().retries.statuses, ElementsAre(502, 503));
  with({{"proxy-next-upstream", "off"}});
  EXPECT_EQ(only_upstream().retries.attempts, 0U);
  with({{"proxy-next-upstream-tries", "0"}});
  EXPECT_EQ(only_upstream().retries.attempts, 10U);
}

TEST_F(Annotated, WhatHasNoEffectHasNone) {
  with({});
  const config::Route plain = only_route();
  for (const AnnotationFamily& family : annotation_families()) {
    for (const Annotation& row : family.rows) {
      if (row.standing != Standing::passed) continue;
      with({{std::string(row.field.name), "whatever"}});
      EXPECT_EQ(only_route(), plain) << row.field.name;
      EXPECT_THAT(notices(), IsEmpty()) << row.field.name;
    }
  }
}

TEST_F(Annotated, Balancers) {
  with({});
  EXPECT_EQ(only_upstream().balancer.type, "least_request");
  with({{"load-balance", "ewma"}});
  EXPECT_EQ(only_upstream().balancer.type, "least_request");
  with({{"load-balance", "round_robin"}});
  EXPECT_EQ(only_upstream().balancer.type, "round_robin");
  with({{"upstream-hash-by", "$http_x_user"}});
  EXPECT_EQ(only_upstream().balancer.type, "consistent_hash");
  EXPECT_EQ(only_upstream().balancer.options["header"].as<std::string>(), "x-user");
  with({{"upstream-hash-by", "$cookie_sid"}});
  EXPECT_EQ(only_upstream().balancer.options["cookie"].as<std::string>(), "sid");
  with({{"upstream-hash-by", "$remote_addr"}});
  EXPECT_FALSE(only_upstream().balancer.options["header"].is_set());
}

TEST_F(Annotated, AffinityByCookie) {
  const auto balancer = [this](std::string_view name) {
    const config::PolicySettings& settings = only_upstream().balancer;
    EXPECT_EQ(settings.type, "cookie");
    const config::Value& value = settings.options[name];
    return value.is_set() ? config::format_scalar(value) : "unset";
  };
  with({{"affinity", "cookie"}});
  EXPECT_EQ(balancer("name"), "INGRESSCOOKIE");
  EXPECT_EQ(balancer("path"), "/");
  EXPECT_EQ(balancer("domain"), "unset");
  EXPECT_EQ(balancer("max_age"), "unset");
  EXPECT_EQ(balancer("secure"), "auto");
  with({{"affinity", "cookie"},
        {"affinity-mode", "persistent"},
        {"session-cookie-name", "route"},
        {"session-cookie-path", "/shop"},
        {"session-cookie-domain", "example.com"},
        {"session-cookie-max-age", "172800"},
        {"session-cookie-expires", "60"},
        {"session-cookie-samesite", "None"},
        {"session-cookie-secure", "true"}});
  EXPECT_EQ(balancer("name"), "route");
  EXPECT_EQ(balancer("path"), "/shop");
  EXPECT_EQ(balancer("domain"), "example.com");
  EXPECT_EQ(balancer("max_age"), "48h");
  EXPECT_EQ(balancer("same_site"), "none");
  EXPECT_EQ(balancer("secure"), "on");
  with({{"affinity", "cookie"},
        {"session-cookie-expires", "60"},
        {"session-cookie-samesite", "Strict"},
        {"session-cookie-secure", "false"}});
  EXPECT_EQ(balancer("max_age"), "1m");
  EXPECT_EQ(balancer("same_site"), "strict");
  EXPECT_EQ(balancer("secure"), "off");
}

TEST_F(Annotated, BackendProtocol) {
  with({{"backend-protocol", "HTTPS"}});
  EXPECT_TRUE(only_upstream().tls->verify);
  EXPECT_EQ(only_upstream().tls->server_name, "app.prod.svc");
  with({{"backend-protocol", "HTTPS"}, {"proxy-ssl-verify", "off"}, {"proxy-ssl-name", "x.y"}});
  EXPECT_FALSE(only_upstream().tls->verify);
  EXPECT_EQ(only_upstream().tls->server_name, "x.y");
  with({{"backend-protocol", "HTTP"}, {"service-upstream", "false"}});
  EXPECT_FALSE(only_upstream().tls);
}

TEST_F(Annotated, HealthChecksAndSlowStart) {
  with({{"health-check-path", "/ready"},
        {"health-check-host", "h.example"},
        {"health-check-interval", "2"},
        {"health-check-timeout", "500ms"},
        {"health-check-healthy-after", "2"},
        {"health-check-unhealthy-after", "4"},
        {"slow-start", "30s"}});
  const config::ActiveHealth expected{"/ready", "h.example", 2s, 500ms, 2, 4};
  EXPECT_EQ(only_upstream().active_health, expected);
  EXPECT_EQ(only_upstream().slow_start, 30s);
}

TEST_F(Annotated, ExemptionsFromALoginOfEveryRoute) {
  const auto open = [this] { return origin(only_route().name).open; };
  with({});
  EXPECT_FALSE(open());
  with({{"enable-global-auth", "false"}});
  EXPECT_TRUE(open());
  with({}, "/.well-known/acme-challenge/t", PathType::exact);
  EXPECT_TRUE(open());
}

TEST_F(Annotated, SwitchesThatAreOffRefuseNothing) {
  with({{"enable-cors", "false"},
        {"enable-modsecurity", "false"},
        {"ssl-passthrough", "false"},
        {"satisfy", "all"},
        {"auth-keepalive", "3"}});
  EXPECT_THAT(routes(), ElementsAre("a.example prefix / -> prod/app:80"));
  EXPECT_THAT(notices(), IsEmpty());
}

}  // namespace
}  // namespace gateway::kubernetes
