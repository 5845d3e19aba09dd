#include <chrono>
#include <ctime>
#include <string>
#include <string_view>
#include <utility>

#include "gateway/net/certificate_authority.h"
#include "tests/unit/kubernetes_translator/cluster.h"

namespace gateway::kubernetes {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::time_t kNow = 1'800'000'000;
constexpr std::chrono::hours kLife(1);

class EndpointSecrets : public Cluster {
 protected:
  EndpointSecrets()
      : authority_(net::CertificateAuthority::make("test", kNow, kLife).value()),
        own_(authority_.issue("gateway", {"gateway.internal"}, kNow, kLife).value()) {}

  void with(Annotations notes) {
    notes.emplace_back("proxy-ssl-secret", "endpoints");
    add({.notes = std::move(notes)});
  }
  void holds(Texts data) {
    Secret secret;
    secret.meta.namespace_ = "prod";
    secret.meta.name = "endpoints";
    secret.data = std::move(data);
    store_.upsert(std::move(secret));
  }
  void expect_shut(const std::string& words) {
    EXPECT_THAT(routes(), ElementsAre("a.example prefix / -> 503")) << words;
    EXPECT_THAT(notices(), ElementsAre(HasSubstr(words)));
  }
  const config::Upstream& only() {
    translate();
    return *translation_.upstreams.begin();
  }

  net::CertificateAuthority authority_;
  net::PemPair own_;
};

TEST_F(EndpointSecrets, AreWhoIsTrustedAndWhatIsShown) {
  with({{"backend-protocol", "HTTPS"}});
  holds({{"ca.crt", authority_.pair().certificate}});
  ASSERT_TRUE(only().tls->pem);
  EXPECT_EQ(static_cast<const std::string&>(only().tls->pem->ca), authority_.pair().certificate);
  const std::string name = only().name;
  holds({{"tls.crt", own_.certificate}, {"tls.key", own_.key}});
  EXPECT_EQ(static_cast<const std::string&>(only().tls->pem->key), own_.key);
  EXPECT_EQ(only().name, name) << "with another certificate it is the same upstream";
}

TEST_F(EndpointSecrets, AreWaitedForAndReadAsAWhole) {
  with({{"backend-protocol", "HTTPS"}});
  expect_shut("there is no Secret prod/endpoints");
  EXPECT_THAT(translation_.references.secrets, Contains(ObjectName{"prod", "endpoints"}));
  const std::string& good = authority_.pair().certificate;
  const std::pair<Texts, const char*> cases[] = {
      {{{"other", "x"}}, "has nothing under ca.crt, tls.crt and tls.key"},
      {{{"ca.crt", "x"}}, "Secret prod/endpoints: ca.crt: "},
      {{{"ca.crt", good}, {"tls.crt", own_.certificate}},
       "proxy-ssl-secret: Secret prod/endpoints"},
      {{{"tls.crt", own_.certificate}, {"tls.key", authority_.pair().key}},
       "proxy-ssl-secret: Secret prod/endpoints"}};
  for (const auto& [data, words] : cases) {
    holds(data);
    expect_shut(words);
  }
  holds({{"ca.crt", good}});
  EXPECT_THAT(routes(), ElementsAre("a.example prefix / -> prod/app:80"));
  EXPECT_THAT(notices(), IsEmpty());
}

TEST_F(EndpointSecrets, SayNothingToEndpointsWithoutTls) {
  with({});
  EXPECT_FALSE(only().tls);
  EXPECT_THAT(notices(), ElementsAre(HasSubstr("no effect without backend-protocol: HTTPS")));
}

}  // namespace
}  // namespace gateway::kubernetes
