#include <gmock/gmock.h>
#include <openssl/x509v3.h>

#include <future>

#include "gateway/custom_metrics/object_index.h"
#include "gateway/server/cluster_service.h"
#include "gateway/server/metrics_api_service.h"
#include "support/temporary_folder.h"
#include "support/tls_client.h"
#include "unit/net/test_certificates.h"
#include "unit/runtime/turns.h"

/// Replicas as a controller runs them: certificates, peers and objects come from memory.
namespace gateway::test {
namespace {

using custom_metrics::SecretData;
using custom_metrics::ServingAuthority;
using server::ClusterService;
using server::MetricsApiService;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr const char* kPeers = "peers.gateway.svc";
SocketAddress any_port() { return *SocketAddress::parse("127.0.0.1:0"); }

SecretData secret_at(const SecretData& before, std::time_t now) {
  return ServingAuthority::renewed(before, now).value().value_or(before);
}

/// One process, with requests in flight on the route "jobs".
class Replica {
 public:
  Replica(EventLoop& loop, int in_flight)
      : registry_(1, loop), service_(loop, registry_, [] { return std::string(); }) {
    registry_.hold_routes({"jobs"});
    for (int i = 0; i < in_flight; ++i) cells_->begin();
    EXPECT_TRUE(service_.open(any_port()));
  }
  void use(const SecretData& secret, std::time_t now) {
    auto prepared = ClusterService::prepare(
        ServingAuthority::read(secret)->issue({kPeers}, now).value(), kPeers, library_, store_);
    ASSERT_TRUE(prepared) << prepared.error().to_string();
    service_.use(std::move(*prepared));
  }
  std::int64_t sum() {
    const std::string jobs = "jobs";
    return service_.sum().in_flight(std::span(&jobs, 1)).value_or(-1);
  }
  std::string why_not() {
    const auto available = service_.sum().available();
    return available ? "" : available.error().detail;
  }
  ClusterService& service() { return service_; }

 private:
  Registry registry_;
  std::shared_ptr<RouteCells> cells_ = registry_.worker(0).route("jobs");
  net::TlsLibrary library_;
  net::CertificateStore store_;
  ClusterService service_;
};

class ReplicasTest : public testing::Test {
 protected:
  std::vector<custom_metrics::Peer> everybody() {
    return {{"pod-a", a_.service().address()}, {"pod-b", b_.service().address()}};
  }
  void publish() {
    a_.service().publish_peers(everybody());
    b_.service().publish_peers(everybody());
  }
  bool both_sum(std::int64_t expected) {
    return run_until(loop_, [&] { return a_.sum() == expected && b_.sum() == expected; });
  }

  const std::time_t now_ = std::time(nullptr);
  EventLoop loop_;
  Replica a_{loop_, 2};
  Replica b_{loop_, 3};
};

TEST_F(ReplicasTest, SumByCertificatesOfTheirOwnAuthority) {
  publish();
  EXPECT_NE(a_.why_not(), "") << "nobody can be asked without a certificate";
  const SecretData secret = secret_at({}, now_);
  a_.use(secret, now_);
  b_.use(secret, now_);
  EXPECT_TRUE(both_sum(5));
  EXPECT_TRUE(run_until(loop_, [&] {
    const ClusterFacts facts = a_.service().facts();
    return facts.sums_known && facts.peers == std::array<std::uint32_t, 4>{1, 0, 0, 0};
  })) << "it is none of its own peers";
}

TEST_F(ReplicasTest, TellWhomTheyHear) {
  EXPECT_FALSE(a_.service().facts().sums_known);
  a_.use(secret_at({}, now_), now_);
  a_.service().publish_peers(everybody());
  const auto silent_is = [&](std::uint32_t number) {
    return a_.service().facts().peers == std::array<std::uint32_t, 4>{0, 0, 0, number};
  };
  EXPECT_TRUE(run_until(loop_, [&] { return silent_is(1) && !a_.service().facts().sums_known; }));
  auto ending = everybody();
  ending[1].terminating = true;
  a_.service().publish_peers(ending);
  EXPECT_TRUE(run_until(loop_, [&] { return silent_is(0) && a_.service().facts().sums_known; }))
      << "one that ends is not missed";
}

TEST_F(ReplicasTest, HearOneAnotherAllThroughASuccession) {
  const std::time_t day = 24 * 3600;
  const SecretData old = secret_at({}, now_ - 276 * day);
  a_.use(old, now_);
  b_.use(old, now_);
  publish();
  ASSERT_TRUE(both_sum(5));
  const SecretData both = secret_at(old, now_ - day);
  ASSERT_TRUE(both.contains("next-ca.crt"));
  a_.use(both, now_ - 1);  // signed by the old one, b's by the new one
  b_.use(both, now_);
  a_.service().publish_peers({});
  publish();
  EXPECT_TRUE(both_sum(5));
}

TEST_F(ReplicasTest, AnotherAuthoritysReplicaIsNotHeard) {
  a_.use(secret_at({}, now_), now_);
  b_.use(secret_at({}, now_), now_);
  publish();
  EXPECT_TRUE(run_until(loop_, [&] {
    return a_.why_not().starts_with("only 0 of ") && a_.sum() == -1;
  })) << a_.why_not();
}

class AllowAll final : public custom_metrics::Authorizer {
 public:
  void decide(const custom_metrics::Caller&, const custom_metrics::AccessRequest&,
              Done done) override {
    done(Verdict::allowed);
  }
};

class MetricsApiTest : public ReplicasTest {
 protected:
  MetricsApiTest() {
    secret_ = secret_at({}, now_);
    a_.use(secret_, now_);
    a_.service().publish_peers({});
    custom_metrics::ObjectListing listing;
    listing.objects = {{"", "services", "prod", "web", {}, {{{"jobs"}}}}};
    objects_.publish(std::move(listing));
    EXPECT_TRUE(api_.open(any_port()));
  }
  void take_certificate(const std::string& name) {
    const auto material = ServingAuthority::read(secret_)->issue({name}, now_).value();
    ASSERT_TRUE(api_.use_certificate(material.own));
  }
  void trust(const net::TestAuthority& front_proxy) {
    ASSERT_TRUE(api_.use_front_proxy({.client_ca = front_proxy.certificate(),
                                      .settings = {.allowed_names = {"front-proxy-client"}}}));
  }
  struct Answer {
    std::string text;
    std::string server;  ///< subject alternative name of its certificate
  };
  /// As the API server asks, on a thread of its own; with a certificate of that authority, if any.
  Answer ask(const std::string& path, const net::TestAuthority* front_proxy) {
    TlsClient::Options options;
    options.server_name = "metrics.gateway.svc";
    if (front_proxy != nullptr) {
      const net::PemPair pair = front_proxy->issue({"front-proxy-client"});
      options.certificate = folder_.write("proxy.crt", pair.certificate);
      options.key = folder_.write("proxy.key", pair.key);
    }
    auto asked = std::async(std::launch::async, [this, path, options] {
      TlsClient client(api_.address().port(), options);
      return Answer{
          client.fetch("GET " + path + " HTTP/1.1\r\nHost: m\r\nX-Remote-User: hpa\r\n\r\n"),
          name_of(client.ssl())};
    });
    run_until(loop_,
              [&] { return asked.wait_for(std::chrono::seconds(0)) == std::future_status::ready; });
    return asked.get();
  }
  static std::string name_of(SSL* ssl) {
    X509* shown = SSL_get0_peer_certificate(ssl);
    if (shown == nullptr) return {};
    for (const char* name : {"metrics.gateway.svc", "renewed.gateway.svc"})
      if (X509_check_host(shown, name, 0, 0, nullptr) == 1) return name;
    return "another";
  }

  TemporaryFolder folder_;
  SecretData secret_;
  net::TestAuthority front_proxy_;
  net::TlsLibrary library_;
  custom_metrics::ObjectIndex objects_;
  AllowAll everybody_;
  MetricsApiService api_{loop_, library_, a_.service().sum(), objects_, everybody_};
};

constexpr const char* kInFlight =
    "/apis/custom.metrics.k8s.io/v1beta2/namespaces/prod/services/web/gateway_requests_in_flight";

TEST_F(MetricsApiTest, AnswersTheFrontProxyAndNobodyElse) {
  EXPECT_FALSE(api_.serving());
  take_certificate("metrics.gateway.svc");
  EXPECT_FALSE(api_.serving()) << "nobody could be told from anybody";
  trust(front_proxy_);
  EXPECT_TRUE(api_.serving());
  ASSERT_TRUE(run_until(loop_, [&] { return a_.sum() == 2; }));
  const Answer answer = ask(kInFlight, &front_proxy_);
  EXPECT_THAT(answer.text, StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(answer.text, HasSubstr(R"("value":"2")"));
  EXPECT_EQ(answer.server, "metrics.gateway.svc");
  EXPECT_THAT(ask(kInFlight, nullptr).text, StartsWith("HTTP/1.1 401 "));
  EXPECT_THAT(ask("/apis/external.metrics.k8s.io/v1beta1", &front_proxy_).text,
              StartsWith("HTTP/1.1 404 "));
  api_.serve_external(true);
  EXPECT_THAT(ask("/apis/external.metrics.k8s.io/v1beta1", &front_proxy_).text,
              StartsWith("HTTP/1.1 200 "));
}

TEST_F(MetricsApiTest, CertificateAndAuthorityAreReplacedWhileItRuns) {
  take_certificate("metrics.gateway.svc");
  trust(front_proxy_);
  take_certificate("renewed.gateway.svc");
  EXPECT_EQ(ask("/apis", &front_proxy_).server, "renewed.gateway.svc");
  const net::TestAuthority rotated;
  trust(rotated);
  EXPECT_THAT(ask("/apis", &rotated).text, StartsWith("HTTP/1.1 200 "));
  EXPECT_EQ(ask("/apis", &front_proxy_).text, "") << "its authority is trusted no more";
  EXPECT_FALSE(api_.use_certificate({"broken", "broken"}));
  EXPECT_FALSE(api_.use_front_proxy({"broken", {}}));
  EXPECT_THAT(ask("/apis", &rotated).text, StartsWith("HTTP/1.1 200 ")) << "nothing has changed";
}

}  // namespace
}  // namespace gateway::test
