#include <gmock/gmock.h>

#include "scenario/gateway.h"
#include "support/http_client.h"
#include "support/recorder.h"
#include "support/temporary_folder.h"
#include "support/tls_client.h"
#include "unit/net/test_certificates.h"

/// Hosts of one listener whose clients must show certificates of different authorities.
namespace gateway::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

struct Asked {
  std::string host;
  std::string ca = {};  ///< a file of the folder; empty: nobody is asked
  std::string options = {};
};

class ClientCertificates : public ::testing::Test {
 protected:
  ClientCertificates() {
    write("server", one_.issue({"any.example"}));
    write("good", one_.issue({"good client"}));
    write("other", two_.issue({"other client"}));
    folder_.write("one.crt", one_.certificate());
    folder_.write("two.crt", two_.certificate());
    gateway_.emplace(yaml(hosts_));
  }

  std::string yaml(const std::vector<Asked>& hosts, const std::string& tls = {}) const {
    std::string text =
        "version: 1\n"
        "listeners:\n"
        "  - {name: http, address: '127.0.0.1:0'}\n"
        "  - name: https\n"
        "    address: '127.0.0.1:0'\n"
        "    tls:\n"
        "      certificates: [{certificate: " +
        file("server.crt") + ", key: " + file("server.key") + "}]\n" +
        (tls.empty() ? "" : "      " + tls + "\n") + "upstreams: [{name: app, endpoints: [" +
        app_.address() + "]}]\nroutes:\n";
    for (const Asked& each : hosts) {
      std::string name = each.host;
      std::erase_if(name, [](char c) { return c == '*' || c == '\''; });
      text += "  - name: at-" + name + "\n    hosts: [" + each.host +
              "]\n    match: {path_prefix: /}\n    forward: app\n";
      if (!each.ca.empty())
        text += "    filters: [{type: client_certificate, ca_file: " + file(each.ca) +
                each.options + "}]\n";
    }
    return text;
  }
  std::string file(const std::string& name) const { return folder_.path(name); }
  TlsClient::Options as(const std::string& name, const std::string& certificate = {}) const {
    TlsClient::Options options{.server_name = name};
    if (certificate.empty()) return options;
    options.certificate = file(certificate + ".crt");
    options.key = file(certificate + ".key");
    return options;
  }
  TlsClient connect(const TlsClient::Options& options) const {
    return {gateway_->port("https"), options};
  }
  /// What a client gets that shakes hands for the host that it asks for; 0: no answer.
  int status(const std::string& host, const std::string& certificate = {}) {
    TlsClient client = connect(as(host, certificate));
    return client.connected() ? client.status(get("/", host)) : 0;
  }
  void write(const std::string& name, const net::PemPair& pair) {
    folder_.write(name + ".crt", pair.certificate);
    folder_.write(name + ".key", pair.key);
  }

  const std::vector<Asked> hosts_ = {{"one.example", "one.crt"},
                                     {"two.example", "two.crt"},
                                     {"maybe.example", "one.crt", ", required: false, pass: true"},
                                     {"open.example"}};
  net::TestAuthority one_;
  net::TestAuthority two_;
  TemporaryFolder folder_;
  Recorder app_;
  std::optional<Gateway> gateway_;
};

TEST_F(ClientCertificates, LetIn) {
  TlsClient client = connect(as("one.example", "good"));
  EXPECT_THAT(client.fetch(get("/", "one.example")),
              AllOf(StartsWith("HTTP/1.1 200 "), HasSubstr("ssl-client-verify: SUCCESS\r\n"),
                    HasSubstr("ssl-client-subject-dn: CN=good client\r\n"),
                    HasSubstr("ssl-client-issuer-dn: CN=test authority\r\n"),
                    Not(HasSubstr("ssl-client-cert:"))));
}

TEST_F(ClientCertificates, AreDemandedOfTheirHostsAlone) {
  EXPECT_EQ(status("one.example"), 403);
  EXPECT_EQ(status("two.example"), 403);
  EXPECT_THAT(app_.heads(), IsEmpty());
  EXPECT_EQ(status("open.example"), 200);
  EXPECT_EQ(status("open.example", "good"), 200) << "nobody looks at it";
}

TEST_F(ClientCertificates, OfAnotherAuthorityEndTheHandshake) {
  EXPECT_EQ(status("one.example", "other"), 0);
  EXPECT_EQ(status("two.example", "good"), 0);
  EXPECT_EQ(status("maybe.example", "other"), 0);
  EXPECT_THAT(app_.heads(), IsEmpty());
  EXPECT_EQ(status("two.example", "other"), 200);
}

TEST_F(ClientCertificates, ThatAreRevokedEndTheHandshake) {
  const net::PemPair thief = one_.issue({"thief"});
  write("thief", thief);
  EXPECT_EQ(status("one.example", "thief"), 200);
  folder_.write("one.crt", one_.certificate() + one_.revoke(thief));
  gateway_->reload(yaml(hosts_));
  EXPECT_EQ(status("one.example", "thief"), 0);
  EXPECT_EQ(status("one.example", "good"), 200);
}

TEST_F(ClientCertificates, ThatAreExpiredEndTheHandshake) {
  write("late", one_.issue({"late"}, net::KeyKind::ecdsa, -1));
  EXPECT_EQ(status("one.example", "late"), 0);
}

TEST_F(ClientCertificates, MayBeLeftOutWhereTheyAreOptional) {
  TlsClient without = connect(as("maybe.example"));
  EXPECT_THAT(without.fetch(get("/", "maybe.example")),
              AllOf(HasSubstr("ssl-client-verify: NONE\r\n"), Not(HasSubstr("subject-dn"))));
  TlsClient with = connect(as("maybe.example", "good"));
  EXPECT_THAT(with.fetch(get("/", "maybe.example")),
              AllOf(HasSubstr("ssl-client-verify: SUCCESS\r\n"),
                    HasSubstr("ssl-client-cert: -----BEGIN%20CERTIFICATE-----%0A")));
}

TEST_F(ClientCertificates, AreNotForAClientToClaim) {
  for (const char* host : {"open.example", "maybe.example"}) {
    TlsClient client = connect(as(host));
    const std::string answer = client.fetch("GET / HTTP/1.1\r\nHost: " + std::string(host) +
                                            "\r\nSSL-Client-Verify: SUCCESS\r\n"
                                            "ssl-client-cert: forged\r\n\r\n");
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 "));
    EXPECT_THAT(answer, Not(HasSubstr("SUCCESS")));
    EXPECT_THAT(answer, Not(HasSubstr("forged")));
  }
}

// CVE-2025-23419: whoever shook hands for one host asks for another.
TEST_F(ClientCertificates, OfAnotherHostsHandshakeAreNone) {
  const std::pair<TlsClient::Options, const char*> cases[] = {
      {as("open.example", "good"), "one.example"},    {as("two.example", "other"), "one.example"},
      {as("maybe.example", "good"), "one.example"},   {as("one.example", "good"), "maybe.example"},
      {as("unknown.example", "good"), "one.example"}, {as("", "good"), "one.example"},
  };
  for (const auto& [options, host] : cases) {
    TlsClient client = connect(options);
    ASSERT_EQ(client.status(get("/", host)), 421) << options.server_name;
    EXPECT_TRUE(client.ended()) << "it is asked on a new connection";
  }
  EXPECT_THAT(app_.heads(), IsEmpty());
}

TEST_F(ClientCertificates, AreNeverThereOnAPlainConnection) {
  EXPECT_EQ(fetch(gateway_->port("http"), get("/", "one.example")).status, 403);
  EXPECT_EQ(fetch(gateway_->port("http"), get("/", "maybe.example")).status, 200);
}

TEST_F(ClientCertificates, AreRememberedWithTheSessionOfTheirHost) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    TlsClient::Options options = as("one.example", "good");
    options.max_version = version;
    TlsClient first = connect(options);
    EXPECT_EQ(first.status(get("/", "one.example")), 200);
    const auto session = first.session();
    options.session = session.get();
    TlsClient second = connect(options);
    EXPECT_TRUE(second.resumed());
    EXPECT_EQ(second.status(get("/", "one.example")), 200);
  }
}

TEST_F(ClientCertificates, OfASessionAreOfNoUseForAnotherHost) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    for (const auto& [host, certificate] :
         {std::pair("two.example", "other"), {"open.example", "good"}}) {
      TlsClient::Options options = as(host, certificate);
      options.max_version = version;
      TlsClient first = connect(options);
      EXPECT_EQ(first.status(get("/", host)), 200);
      const auto session = first.session();
      TlsClient::Options without = as("one.example");
      without.max_version = version;
      without.session = session.get();
      TlsClient second = connect(without);
      EXPECT_FALSE(second.resumed()) << host;
      EXPECT_EQ(second.status(get("/", "one.example")), 403) << host;
    }
  }
}

TEST_F(ClientCertificates, AreAskedForAnewWhenTheAuthoritiesChange) {
  TlsClient open = connect(as("one.example", "good"));
  EXPECT_EQ(open.status(get("/", "one.example")), 200);
  const auto session = open.session();
  folder_.write("one.crt", two_.certificate());
  gateway_->reload(yaml(hosts_));
  ASSERT_EQ(open.status(get("/", "one.example")), 421);
  EXPECT_TRUE(open.ended());
  TlsClient::Options again = as("one.example");
  again.session = session.get();
  TlsClient resumed = connect(again);
  EXPECT_FALSE(resumed.resumed());
  EXPECT_EQ(resumed.status(get("/", "one.example")), 403);
  EXPECT_EQ(status("one.example", "good"), 0);
  EXPECT_EQ(status("one.example", "other"), 200);
}

TEST_F(ClientCertificates, AreAskedForFromTheReloadOnThatNamesThem) {
  TlsClient before = connect(as("open.example"));
  EXPECT_EQ(before.status(get("/", "open.example")), 200);
  gateway_->reload(yaml({{"open.example", "one.crt"}}));
  EXPECT_EQ(before.status(get("/", "open.example")), 421);
  EXPECT_EQ(status("open.example"), 403);
  EXPECT_EQ(status("open.example", "good"), 200);
  gateway_->reload(yaml({{"open.example"}}));
  EXPECT_EQ(status("open.example"), 200);
}

TEST_F(ClientCertificates, OfAListenersOwnAuthoritiesAreNotTheRoutes) {
  Gateway strict(yaml({{"one.example", "one.crt"}},
                      "client_certificates: required\n      client_ca: " + file("two.crt")));
  TlsClient client(strict.port("https"), as("one.example", "other"));
  EXPECT_EQ(client.status(get("/", "one.example")), 421);
}

TEST_F(ClientCertificates, OfAWildcardAreNotAskedForWhereAHostHasRoutesOfItsOwn) {
  gateway_->reload(yaml({{"'*.wild.example'", "one.crt"}, {"free.wild.example"}}));
  EXPECT_EQ(status("any.wild.example"), 403);
  EXPECT_EQ(status("any.wild.example", "good"), 200);
  EXPECT_EQ(status("free.wild.example", "other"), 200);
}

TEST_F(ClientCertificates, OfOneHostComeFromOneSetOfAuthorities) {
  std::string text = yaml({{"one.example", "one.crt"}});
  std::string more = yaml({{"one.example", "two.crt"}});
  more = more.substr(more.find("  - name: at-one"));
  more.replace(more.find("at-one"), 6, "at-new");
  EXPECT_THROW(gateway_->reload(text + more), std::exception);
  EXPECT_EQ(status("one.example", "good"), 200) << "all is as it was";
}

}  // namespace
}  // namespace gateway::test
