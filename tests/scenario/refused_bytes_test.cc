#include <gmock/gmock.h>

#include "scenario/gateway.h"
#include "support/http_client.h"
#include "support/recorder.h"

/// Requests that must be refused: these bytes in, that status out, the connection closed, and
/// nothing of it at the upstream.
namespace gateway::test {
namespace {

using ::testing::ElementsAre;
using ::testing::StartsWith;

struct Refused {
  std::string name;
  std::string wire;
  int status;
};

void PrintTo(const Refused& row, std::ostream* out) { *out << row.name; }

std::string config_for(const Recorder& app) {
  return "version: 1\n"
         "listeners:\n"
         "  - {name: http, address: '127.0.0.1:0'}\n"
         "upstreams:\n"
         "  - {name: app, endpoints: [" +
         app.address() +
         "]}\n"
         "routes:\n"
         "  - {name: all, match: {path_prefix: /}, forward: app}\n";
}

class RefusedBytes : public testing::TestWithParam<Refused> {
 protected:
  static void SetUpTestSuite() {
    app_ = std::make_unique<Recorder>();
    gateway_ = std::make_unique<Gateway>(config_for(*app_));
  }
  static void TearDownTestSuite() {
    gateway_.reset();
    app_.reset();
  }
  static std::unique_ptr<Recorder> app_;
  static std::unique_ptr<Gateway> gateway_;
};

std::unique_ptr<Recorder> RefusedBytes::app_;
std::unique_ptr<Gateway> RefusedBytes::gateway_;

TEST_P(RefusedBytes, AreAnsweredAndNeverForwarded) {
  const std::size_t before = app_->requests().size();
  const std::size_t heads_before = app_->heads().size();
  HttpClient client(gateway_->port());
  client.send(GetParam().wire);
  const Reply reply = client.read_reply();
  EXPECT_EQ(reply.status, GetParam().status);
  EXPECT_EQ(reply.field("connection"), "close");
  EXPECT_EQ(client.socket().read_to_end(), "") << "a second answer";
  EXPECT_EQ(app_->requests().size(), before);
  // A body that turns out malformed may come after its head has gone; a head never.
  if (GetParam().wire.find("Transfer-Encoding: chunked\r\n\r\n") == std::string::npos) {
    EXPECT_EQ(app_->heads().size(), heads_before);
  }
}

std::string name_of_row(const testing::TestParamInfo<Refused>& info) { return info.param.name; }

std::string with_line(const std::string& line) { return line + "\r\nHost: a\r\n\r\n"; }

std::string with_field(const std::string& field) {
  return "GET / HTTP/1.1\r\nHost: a\r\n" + field + "\r\n\r\n";
}

// What is behind the refused head would be a request of its own to anybody who framed differently.
const std::string kSmuggled = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";

std::string posting(const std::string& fields, const std::string& body = kSmuggled) {
  return "POST / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n\r\n" + body;
}

std::string chunked(const std::string& body) {
  return posting("Transfer-Encoding: chunked", body) + kSmuggled;
}

INSTANTIATE_TEST_SUITE_P(
    LengthWithEncoding, RefusedBytes,
    testing::Values(
        Refused{"LengthFirst", posting("Content-Length: 4\r\nTransfer-Encoding: chunked"), 400},
        Refused{"EncodingFirst", posting("Transfer-Encoding: chunked\r\nContent-Length: 4"), 400}),
    name_of_row);

INSTANTIATE_TEST_SUITE_P(
    TransferEncoding, RefusedBytes,
    testing::Values(
        Refused{"Xchunked", posting("Transfer-Encoding: xchunked"), 400},
        Refused{"VerticalTab",
                posting("Transfer-Encoding: \x0b"
                        "chunked"),
                400},
        Refused{"Quoted", posting("Transfer-Encoding: \"chunked\""), 400},
        Refused{"Twice", posting("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity"), 400},
        Refused{"ListedTwice", posting("Transfer-Encoding: chunked, chunked"), 400},
        Refused{"NotFinal", posting("Transfer-Encoding: chunked, gzip"), 400},
        Refused{"Another", posting("Transfer-Encoding: gzip, chunked"), 501},
        Refused{"SpaceBeforeColon", posting("Transfer-Encoding : chunked"), 400},
        Refused{"Folded", posting("Transfer-Encoding:\r\n chunked"), 400},
        Refused{"Empty", posting("Transfer-Encoding:"), 400},
        Refused{"Parameter", posting("Transfer-Encoding: chunked;q=1"), 400},
        Refused{"Http10", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400}),
    name_of_row);

INSTANTIATE_TEST_SUITE_P(
    ContentLength, RefusedBytes,
    testing::Values(Refused{"Differing", posting("Content-Length: 4\r\nContent-Length: 5"), 400},
                    Refused{"Plus", posting("Content-Length: +4"), 400},
                    Refused{"DifferingFarApart",
                            posting("Content-Length: 4\r\nX-A: b\r\ncontent-length: 5"), 400},
                    Refused{"Spaced", posting("Content-Length: 1 2"), 400},
                    Refused{"Minus", posting("Content-Length: -4"), 400},
                    Refused{"Hex", posting("Content-Length: 0x4"), 400},
                    Refused{"Underscore", posting("Content-Length: 1_0"), 400},
                    Refused{"Empty", posting("Content-Length:"), 400},
                    Refused{"List", posting("Content-Length: 1,2"), 400},
                    Refused{"Over63Bits", posting("Content-Length: 9223372036854775808"), 400}),
    name_of_row);

INSTANTIATE_TEST_SUITE_P(Fields, RefusedBytes,
                         testing::Values(Refused{"SpaceBeforeColon", with_field("X-A : b"), 400},
                                         Refused{"EmptyName", with_field(": b"), 400},
                                         Refused{"NoColon", with_field("X-A"), 400},
                                         Refused{"Folded", with_field("X-A: b\r\n c"), 400},
                                         Refused{"FoldedByTab", with_field("X-A: b\r\n\tc"), 400},
                                         Refused{"BareLf", with_field("X-A: b\nX-B: c"), 400},
                                         Refused{"BareCr", with_field("X-A: b\rX-B: c"), 400},
                                         Refused{"Nul", with_field(std::string("X-A: b\0c", 8)),
                                                 400},
                                         Refused{"ControlByte", with_field("X-A: b\x01"), 400},
                                         Refused{"OnlyLf", "GET / HTTP/1.1\nHost: a\n\n", 400}),
                         name_of_row);

INSTANTIATE_TEST_SUITE_P(
    Chunks, RefusedBytes,
    testing::Values(
        Refused{"HexPrefix", chunked("0x4\r\nabcd\r\n0\r\n\r\n"), 400},
        Refused{"Sign", chunked("+4\r\nabcd\r\n0\r\n\r\n"), 400},
        Refused{"Space", chunked("4 \r\nabcd\r\n0\r\n\r\n"), 400},
        Refused{"BareSemicolon", chunked("4;\r\nabcd\r\n0\r\n\r\n"), 400},
        Refused{"NulInExtension", chunked(std::string("4;a\0\r\nabcd\r\n0\r\n\r\n", 17)), 400},
        Refused{"LfInExtension", chunked("4;a\nb\r\nabcd\r\n0\r\n\r\n"), 400},
        Refused{"CrInExtension", chunked("4;a\rb\r\nabcd\r\n0\r\n\r\n"), 400},
        Refused{"LfAfterSize", chunked("4\nabcd\r\n0\r\n\r\n"), 400},
        Refused{"CrAfterSize", chunked("4\rabcd\r\n0\r\n\r\n"), 400},
        Refused{"LfAfterData", chunked("4\r\nabcd\n0\r\n\r\n"), 400},
        Refused{"NulInSize", chunked(std::string("4\0\r\nabcd\r\n0\r\n\r\n", 15)), 400},
        Refused{"NegativeSize", chunked("-1\r\nabcd\r\n0\r\n\r\n"), 400},
        Refused{"Over64Bits", chunked("10000000000000001\r\nabcd\r\n0\r\n\r\n"), 400},
        Refused{"FoldedTrailer", chunked("4\r\nabcd\r\n0\r\nX-A: b\r\n c\r\n\r\n"), 400},
        Refused{"LfInTrailer", chunked("4\r\nabcd\r\n0\r\nX-A: b\nX-B: c\r\n\r\n"), 400},
        Refused{"Overrun", chunked("4\r\nabcdef\r\n0\r\n\r\n"), 400},
        Refused{"LongExtension",
                chunked("4;a=" + std::string(17000, 'b') + "\r\nabcd\r\n0\r\n\r\n"), 400}),
    name_of_row);

INSTANTIATE_TEST_SUITE_P(
    Size, RefusedBytes,
    testing::Values(Refused{"Target", with_line("GET /" + std::string(8192, 'a') + " HTTP/1.1"),
                            414},
                    Refused{"Fields",
                            [] {
                              std::string wire = "GET / HTTP/1.1\r\nHost: a\r\n";
                              for (int i = 0; i < 100; ++i) wire += "X-A: b\r\n";
                              return wire + "\r\n";
                            }(),
                            431},
                    Refused{"Head", with_field("X-A: " + std::string(65536, 'a')), 431}),
    name_of_row);

INSTANTIATE_TEST_SUITE_P(
    Path, RefusedBytes,
    testing::Values(Refused{"AboveRoot", with_line("GET /../a HTTP/1.1"), 400},
                    Refused{"AboveRootEscaped", with_line("GET /%2e%2e/a HTTP/1.1"), 400},
                    Refused{"EscapedSlash", with_line("GET /a%2fb HTTP/1.1"), 400},
                    Refused{"EscapedBackslash", with_line("GET /a%5Cb HTTP/1.1"), 400},
                    Refused{"EscapedNul", with_line("GET /a%00b HTTP/1.1"), 400},
                    Refused{"Overlong", with_line("GET /%c0%af HTTP/1.1"), 400},
                    Refused{"Backslash", with_line("GET /a\\b HTTP/1.1"), 400},
                    Refused{"Fragment", with_line("GET /a#b HTTP/1.1"), 400}),
    name_of_row);

INSTANTIATE_TEST_SUITE_P(
    RequestLine, RefusedBytes,
    testing::Values(Refused{"Connect", "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", 405},
                    Refused{"UnknownMethod", with_line("BREW / HTTP/1.1"), 501},
                    Refused{"TwoSpaces", with_line("GET  / HTTP/1.1"), 400},
                    Refused{"Http09", "GET /\r\n\r\n", 400},
                    Refused{"Http2", with_line("GET / HTTP/2.0"), 505},
                    Refused{"Rtsp", with_line("GET / RTSP/1.0"), 400}),
    name_of_row);

INSTANTIATE_TEST_SUITE_P(
    Host, RefusedBytes,
    testing::Values(Refused{"Missing", "GET / HTTP/1.1\r\n\r\n", 400},
                    Refused{"Twice", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400},
                    Refused{"Comma", "GET / HTTP/1.1\r\nHost: a,b\r\n\r\n", 400},
                    Refused{"UserInfo", "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 400},
                    Refused{"UserInfoInTarget", "GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
                    Refused{"Space", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400},
                    Refused{"Path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400},
                    Refused{"BadPort", "GET / HTTP/1.1\r\nHost: a:port\r\n\r\n", 400},
                    Refused{"Empty", "GET / HTTP/1.1\r\nHost:\r\n\r\n", 400}),
    name_of_row);

INSTANTIATE_TEST_SUITE_P(Expect, RefusedBytes,
                         testing::Values(Refused{
                             "Unknown", posting("Expect: 200-ok\r\nContent-Length: 4", "abcd"),
                             417}),
                         name_of_row);

// The same gateway takes what is well formed: the refusals above are not for lack of a route.
TEST(WellFormedBytes, AreForwarded) {
  Recorder app;
  Gateway gateway(config_for(app));
  HttpClient client(gateway.port());
  EXPECT_EQ(client.fetch(get("/a")).status, 200);
  EXPECT_EQ(client.fetch(chunked("4;a=b\r\nabcd\r\n0\r\n\r\n")).status, 200);
  EXPECT_EQ(client.read_reply().status, 200) << "the pipelined request";
  EXPECT_THAT(app.requests(), ElementsAre(StartsWith("GET /a "), StartsWith("POST / "),
                                          StartsWith("GET /smuggled ")));
}

}  // namespace
}  // namespace gateway::test
