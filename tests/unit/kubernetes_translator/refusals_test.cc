#include <fstream>
#include <sstream>

#include "gateway/kubernetes/annotation_reference.h"
#include "gateway/kubernetes/annotation_table.h"
#include "gateway/kubernetes/ingress_report.h"
#include "tests/unit/kubernetes_translator/cluster.h"

namespace gateway::kubernetes {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

class Refusals : public Cluster {
 protected:
  void with(Annotations notes, std::string path = "/") {
    translator_.reset();
    add({.path = std::move(path), .notes = std::move(notes)});
  }
};

TEST_F(Refusals, EveryRowThatSaysSoNamesTheAlternative) {
  for (const AnnotationFamily& family : annotation_families())
    for (const Annotation& row : family.rows) {
      if (row.standing != Standing::refused) continue;
      with({{std::string(row.field.name), "true"}});
      EXPECT_TRUE(refused(row.note)) << row.field.name;
    }
}

TEST_F(Refusals, ValuesThatCannotBe) {
  struct Case {
    Annotations notes;
    std::string_view words;
    std::string path = "/";
  };
  const Case cases[] = {
      {{{"service-upstream", "true"}}, "traffic goes to pods"},
      {{{"backend-protocol", "GRPC"}}, "gRPC is not supported yet"},
      {{{"backend-protocol", "GRPCS"}}, "gRPC is not supported yet"},
      {{{"backend-protocol", "FCGI"}}, "FastCGI"},
      {{{"backend-protocol", "AUTO_HTTP"}}, "name the protocol"},
      {{{"auth-type", "digest"}}, "use auth-type: basic"},
      {{{"auth-secret-type", "auth-map"}}, "use auth-secret-type: auth-file"},
      {{{"satisfy", "any"}}, "satisfied, always"},
      {{{"auth-tls-verify-client", "optional_no_ca"}}, "use optional"},
      {{{"proxy-next-upstream", "error non_idempotent"}}, "never sent twice"},
      {{{"proxy-next-upstream", "sometimes"}}, "'sometimes' is none of"},
      {{{"upstream-hash-by", "$request_uri"}}, "use $remote_addr"},
      {{{"backend-protocol", "HTTPS"}, {"proxy-ssl-secret", "dev/x"}}, "in another namespace"},
      {{{"limit-by", "token"}, {"limit-rps", "1"}}, "needs token-auth-upstream"},
      {{{"token-auth-allow-ttl", "1"}}, "token-auth-upstream is missing"},
      {{{"auth-secret", "x"}}, "auth-type is missing"},
      {{{"auth-tls-verify-depth", "1"}}, "auth-tls-secret is missing"},
      {{{"auth-signin", "https://x"}}, "auth-url is missing"},
      {{{"auth-url", "http://oauth.example.org/auth"}}, "only a Service can be asked"},
      {{{"auth-url", "http://a.b.svc/$secret"}}, "$secret is not known"},
      {{{"auth-url", "http://oauth.prod.svc/"},
        {"auth-cache-key", "$http_x"},
        {"auth-cache-duration", "200 long"}},
       "write it as '200 202 5m'"},
      {{{"auth-url", "http://oauth.prod.svc/"}, {"auth-response-headers", "Set-Cookie"}},
       "'Set-Cookie' cannot be among"},
      {{{"auth-url", "http://oauth.prod.svc/"}, {"auth-snippet", "deny all;"}}, "never spliced"},
      {{{"auth-type", "basic"}, {"auth-secret", "users"}, {"auth-realm", "a \"b\""}},
       "a quote or backslash"},
      {{{"enable-cors", "true"}, {"cors-allow-credentials", "true"}}, "name the origins"},
      {{{"enable-cors", "true"}, {"cors-allow-origin", "one.example"}}, "is not an origin"},
      {{{"enable-cors", "true"}, {"cors-allow-methods", "GET,A B"}}, "'A B' is not the name"},
      {{{"affinity", "cookie"},
        {"session-cookie-samesite", "None"},
        {"session-cookie-secure", "false"}},
       "thrown away by browsers"},
      {{{"affinity", "cookie"}, {"session-cookie-domain", "*.example.com"}}, "without a wildcard"},
      {{{"affinity", "cookie"}, {"session-cookie-path", "/a;b"}}, "would end at the semicolon"},
      {{{"custom-http-errors", "404"}}, "default-backend is missing"},
      {{{"auth-tls-secret", "dev/authority"}}, "in another namespace"},
      {{{"auth-always-set-cookie", "true"}}, "with a good answer alone"},
      {{{"auth-urls", "x"}}, "rather than left open"},
      {{{"rewrite-target", "https://x/"}}, "permanent-redirect"},
      {{{"rewrite-target", "/x?y=$1"}}, "cannot be in a path"},
      {{{"rewrite-target", "/$2"}}, "names a group", "/foo(.*)"},
      {{{"use-regex", "true"}}, "look-around", "/foo(?!bar)"},
      {{{"permanent-redirect", "https://a.example$request_uri"}}, "leads back to itself"},
      {{{"permanent-redirect", "https://b.example/$host"}}, "no variable but $request_uri"},
      {{{"permanent-redirect", "https://b.example/?x=y"}}, "query or fragment"},
      {{{"app-root", "/"}}, "leads back to itself"},
      {{{"custom-headers", "absent"}}, "there is no ConfigMap prod/absent"},
      {{{"custom-headers", "dev/fields"}}, "in another namespace"},
      {{{"canary", "true"}, {"canary-by-header-value", "x"}}, "canary-by-header is missing"},
      {{}, "no request has the path", "/a%2fb"},
      {{}, "ends before '?'", "/a?b"},
  };
  for (const Case& each : cases) {
    with(each.notes, each.path);
    const bool canary = !each.notes.empty() && each.notes[0].first == "canary";
    if (canary) {
      translate();
      EXPECT_THAT(notices(), Contains(HasSubstr(std::string(each.words))));
    } else {
      EXPECT_TRUE(refused(each.words)) << each.words;
    }
  }
}

TEST_F(Refusals, AFieldThatIsTheGatewaysOwn) {
  for (const char* field : {"Content-Length", "Connection", "bad name"}) {
    ConfigMap map;
    map.meta.namespace_ = "prod";
    map.meta.name = "fields";
    map.data = {{field, "1"}};
    store_.upsert(map);
    with({{"custom-headers", "fields"}});
    EXPECT_TRUE(refused(field));
  }
}

TEST_F(Refusals, OneBadObjectLeavesItsNeighbours) {
  with({{"configuration-snippet", "return 200;"}});
  add({.name = "good", .host = "b.example"});
  EXPECT_THAT(routes(),
              ElementsAre("a.example prefix / -> 503", "b.example prefix / -> prod/app:80"));
  EXPECT_THAT(notices(), SizeIs(1));
  EXPECT_LE(translation_.notices[0].message.size(), kLongestMessage);
}

TEST_F(Refusals, ALongMessageIsCut) {
  Annotations notes;
  for (int i = 0; i < 60; ++i)
    notes.emplace_back("auth-unknown-" + std::to_string(i), std::string(200, 'x'));
  with(notes);
  translate();
  ASSERT_THAT(translation_.notices, SizeIs(1));
  EXPECT_EQ(translation_.notices[0].message.size(), kLongestMessage);
}

TEST_F(Refusals, AnUnknownKeyIsAWarning) {
  with({{"some-thing", "x"}});
  EXPECT_THAT(routes(), ElementsAre("a.example prefix / -> prod/app:80"));
  EXPECT_THAT(notices(), ElementsAre("prod/web UnknownAnnotation: some-thing: unknown annotation, "
                                     "without effect"));
  EXPECT_FALSE(translation_.notices[0].refusal);
}

TEST_F(Refusals, TheReportListsWhatWouldChange) {
  with({{"proxy-buffering", "on"}, {"limit-rps", "5"}, {"server-snippet", "x"}});
  add({.name = "same", .host = "b.example", .notes = {{"proxy-body-size", "1m"}}});
  Ingress other = make({.name = "other", .host = "c.example"});
  other.class_name = "traefik";
  store_.upsert(other);
  const std::string report = ingress_report(store_, settings_);
  EXPECT_THAT(report, HasSubstr("Ingress prod/web\n  refused    server-snippet: Text is never"));
  EXPECT_THAT(report, HasSubstr("  differs    limit-rps: 429 with Retry-After, not 503.\n"));
  EXPECT_THAT(report, HasSubstr("  no effect  proxy-buffering: Answers always stream"));
  EXPECT_THAT(report, Not(HasSubstr("prod/same")));
  EXPECT_THAT(report, HasSubstr("1 of 2 Ingresses would change; 1 are of other classes\n"));
}

TEST(AnnotationReference, SaysAllThatTheTableSays) {
  const std::string page = annotation_reference();
  const std::string policy = admission_policy();
  for (const AnnotationFamily& family : annotation_families()) {
    EXPECT_THAT(page, HasSubstr("## " + std::string(family.title)));
    for (const Annotation& row : family.rows) {
      EXPECT_THAT(page, HasSubstr("| `" + std::string(row.field.name) + "` |"));
      if (row.standing != Standing::refused) continue;
      EXPECT_THAT(policy, HasSubstr("(p + \"" + std::string(row.field.name) + "\")"));
    }
  }
  EXPECT_THAT(policy, HasSubstr("kind: ValidatingAdmissionPolicyBinding"));
  std::ostringstream committed;
  committed << std::ifstream(GATEWAY_SOURCE_DIR "/docs/kubernetes/annotations.md").rdbuf();
  EXPECT_EQ(committed.str(), page) << "run make docs";
}

}  // namespace
}  // namespace gateway::kubernetes
