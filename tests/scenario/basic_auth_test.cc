#include <gmock/gmock.h>

#include <cerrno>
#include <memory>
#include <vector>

#include "scenario/gateway.h"
#include "support/http_client.h"
#include "support/recorder.h"
#include "support/temporary_folder.h"

/// Who gets past basic_auth.
namespace gateway::test {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// Each is the user's `secret`.
constexpr const char* kAnn = "ann:$2y$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW\n";
constexpr const char* kBob = "bob:$apr1$r31.....$G/cElGhD0cboYkZN5h5Ne/\n";
// Of bcrypt's dearest kind that is taken: about a second.
constexpr const char* kDear = "dear:$2y$14$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW\n";

constexpr const char* kAnnSecret = "Basic YW5uOnNlY3JldA==";
constexpr const char* kAnnWrong = "Basic YW5uOndyb25n";
constexpr const char* kBobSecret = "Basic Ym9iOnNlY3JldA==";
constexpr const char* kEveSecret = "Basic ZXZlOnNlY3JldA==";

std::string base64(std::string_view bytes) {
  constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  unsigned bits = 0;
  int held = 0;
  for (const char c : bytes) {
    bits = bits << 8 | static_cast<unsigned char>(c);
    for (held += 8; held >= 6; held -= 6) text.push_back(kDigits[bits >> (held - 6) & 63]);
  }
  if (held > 0) text.push_back(kDigits[bits << (6 - held) & 63]);
  return text;
}

class BasicAuth : public ::testing::Test {
 protected:
  std::string file() const { return folder_.path("users"); }
  void write(const std::string& users) const { folder_.write("users", users); }
  std::string yaml(const std::string& options = "", const std::string& more = "") const {
    return "version: 1\n"
           "listeners: [{name: http, address: '127.0.0.1:0'}]\n"
           "upstreams: [{name: app, endpoints: [" +
           app_.address() +
           "]}]\n"
           "routes:\n"
           "  - name: jobs\n"
           "    filters: [{type: basic_auth, users_file: '" +
           file() + "', realm: the jobs" + options +
           "}]\n"
           "    match: {path_prefix: /jobs}\n"
           "    forward: app\n" +
           more;
  }
  static std::string with(const std::string& authorization, const std::string& fields = "") {
    return "GET /jobs HTTP/1.1\r\nHost: a\r\n" +
           (authorization.empty() ? "" : "Authorization: " + authorization + "\r\n") + fields +
           "\r\n";
  }

  Recorder app_;
  TemporaryFolder folder_;
};

TEST_F(BasicAuth, WhoKnowsThePasswordPasses) {
  write(std::string(kAnn) + kBob);
  Gateway gateway(yaml());
  HttpClient client(gateway.port());
  for (const char* good : {kAnnSecret, kBobSecret, kAnnSecret, "basic  YW5uOnNlY3JldA"}) {
    const Reply reply = client.fetch(with(good));
    EXPECT_EQ(reply.status, 200) << good;
    EXPECT_EQ(field_of(reply.body, "authorization"), "") << "the upstream sees no password";
  }
}

TEST_F(BasicAuth, AllOthersAreAsked) {
  write(std::string(kAnn) + kBob);
  Gateway gateway(yaml());
  HttpClient client(gateway.port());
  const std::string twice = std::string("Authorization: ") + kAnnSecret + "\r\n";
  for (int round = 0; round < 2; ++round)
    for (const std::string& bad :
         {with(""), with(kAnnWrong), with(kEveSecret), with("Bearer YW5uOnNlY3JldA=="),
          with("Basic"), with("Basic !!"), with("Basic YW5u"), with("Basic OnNlY3JldA=="),
          // "ann:secret", a NUL and more behind it.
          with("Basic YW5uOnNlY3JldAB4"), with("Basic " + std::string(4000, 'A')),
          with(kAnnSecret, twice)}) {
      const Reply reply = client.fetch(bad);
      EXPECT_EQ(reply.status, 401) << bad;
      EXPECT_EQ(reply.field("www-authenticate"), R"(Basic realm="the jobs", charset="UTF-8")");
    }
  EXPECT_THAT(app_.heads(), IsEmpty());
}

TEST_F(BasicAuth, TheUpstreamHearsWhoItIs) {
  write(kAnn);
  Gateway gateway(yaml(", user_header: X-User, forward_credentials: true"));
  const Reply reply = fetch(gateway.port(), with(kAnnSecret, "X-User: root\r\n"));
  EXPECT_EQ(field_of(reply.body, "x-user"), "ann");
  EXPECT_EQ(field_of(reply.body, "authorization"), kAnnSecret);
  EXPECT_THAT(reply.body, Not(HasSubstr("root")));
}

TEST_F(BasicAuth, AFileThatChangedIsReadAgain) {
  write(kAnn);
  Gateway gateway(yaml());
  EXPECT_EQ(fetch(gateway.port(), with(kAnnSecret)).status, 200);
  EXPECT_EQ(fetch(gateway.port(), with(kBobSecret)).status, 401);
  write(kBob);
  gateway.reload(yaml());
  EXPECT_EQ(fetch(gateway.port(), with(kAnnSecret)).status, 401) << "what was believed is not";
  EXPECT_EQ(fetch(gateway.port(), with(kBobSecret)).status, 200);
  write("bob:plain\n");
  EXPECT_ANY_THROW(gateway.reload(yaml()));
  EXPECT_EQ(fetch(gateway.port(), with(kBobSecret)).status, 200) << "the last good one stays";
}

TEST_F(BasicAuth, UsersMayStandInTheConfiguration) {
  Gateway gateway(
      "version: 1\nlisteners: [{name: http, address: '127.0.0.1:0'}]\n"
      "routes: [{name: r, respond: {body: in}, filters: [{type: basic_auth, users: \"ann:$2y$04$"
      "abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW\"}]}]\n");
  EXPECT_EQ(fetch(gateway.port(), with(kAnnSecret)).status, 200);
  EXPECT_EQ(fetch(gateway.port(), with(kAnnWrong)).status, 401);
}

/// Whether an answer is still to come.
bool waits(HttpClient& client) {
  char byte;
  return ::recv(client.socket().fd(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

// Twenty of about a second each: on the worker's loop they would be over before anything else.
TEST_F(BasicAuth, CheckingHoldsUpNobodyElse) {
  write(kDear);
  Gateway gateway(yaml("", "  - {name: open, match: {path: /open}, respond: {body: open}}\n"));
  std::vector<std::unique_ptr<HttpClient>> clients;
  for (int i = 0; i < 20; ++i) {
    auto& client = clients.emplace_back(std::make_unique<HttpClient>(gateway.port()));
    client->send(with("Basic " + base64("dear:" + std::to_string(i))));
  }
  EXPECT_EQ(fetch(gateway.port(), get("/open")).status, 200);
  EXPECT_TRUE(waits(*clients.back()));
}

TEST_F(BasicAuth, WhoeverSaysTheSameWaitsForOneCheck) {
  write(kDear);
  Gateway gateway(yaml());
  std::vector<std::unique_ptr<HttpClient>> clients;
  for (int i = 0; i < 40; ++i) {
    auto& client = clients.emplace_back(std::make_unique<HttpClient>(gateway.port()));
    client->send(with("Basic ZGVhcjp3cm9uZw=="));
  }
  clients.pop_back();  // its leaving changes nothing for the others
  for (auto& client : clients) EXPECT_EQ(client->read_reply().status, 401);
}

TEST_F(BasicAuth, PastWhatMayWaitTheAnswerIs503) {
  write(kDear);
  Gateway gateway(yaml());
  std::vector<std::unique_ptr<HttpClient>> clients;
  // Two are checked and 128 wait; each has a password of its own.
  for (int i = 0; i < 160; ++i) {
    auto& client = clients.emplace_back(std::make_unique<HttpClient>(gateway.port()));
    client->send(with("Basic " + base64("dear:" + std::to_string(i))));
  }
  EXPECT_EQ(fetch(gateway.port(), get("/none")).status, 404);
  const Reply reply = fetch(gateway.port(), with("Basic " + base64("dear:another")));
  EXPECT_EQ(reply.status, 503);
  EXPECT_EQ(reply.field("retry-after"), "1");
}

// Work that is under way when nobody waits any more, nor a worker to tell.
TEST_F(BasicAuth, ACheckMayOutliveItsWorker) {
  write(kDear);
  Gateway gateway(yaml());
  HttpClient client(gateway.port());
  client.send(with("Basic ZGVhcjp3cm9uZw=="));
  HttpClient other(gateway.port());
  EXPECT_EQ(other.fetch(get("/none")).status, 404);
  gateway.reload(
      "version: 1\nlisteners: [{name: http, address: '127.0.0.1:0'}]\n"
      "routes: [{name: r, respond: {body: in}}]\n");
}

}  // namespace
}  // namespace gateway::test
