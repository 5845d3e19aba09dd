#include "gateway/http/h1_server_codec.h"

#include <gtest/gtest.h>

#include "tests/unit/http/cuts.h"

namespace gateway::http::h1_server_codec_test {
namespace {

struct Case {
  std::string name;
  std::string wire;
  std::string expected;
};

void PrintTo(const Case& row, std::ostream* out) { *out << row.name; }

std::string case_name(const testing::TestParamInfo<Case>& info) { return info.param.name; }

/// A request whose fields besides Host are `fields`.
std::string with_fields(const std::string& fields, const std::string& body = "") {
  return "POST /a HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n" + body;
}

std::string repeat(std::string_view text, int count) {
  std::string all;
  for (int i = 0; i < count; ++i) all.append(text);
  return all;
}

std::string chunked(const std::string& body) {
  return with_fields("Transfer-Encoding: chunked\r\n", body);
}

class Accepts : public testing::TestWithParam<Case> {};

TEST_P(Accepts, InEveryCut) { EXPECT_EQ(read_requests(GetParam().wire), GetParam().expected); }

INSTANTIATE_TEST_SUITE_P(
    H1ServerCodec, Accepts,
    testing::Values(
        Case{"Get", "GET /jobs?id=7 HTTP/1.1\r\nHost: example.com:80\r\nX-A: \t b c \r\n\r\n",
             "request GET host=example.com:80 path=/jobs query=id=7 body=none\n"
             "  Host: example.com:80\n  X-A: b c\nend\n"},
        Case{"EmptyValueAndLatinBytes", "GET / HTTP/1.1\r\nhost:a\r\nX-A:\r\nX-B: \xE9\r\n\r\n",
             "request GET host=a path=/ body=none\n  host: a\n  X-A: \n  X-B: \xE9\nend\n"},
        Case{"EmptyLineBefore", "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
             "request GET host=a path=/ body=none\n  Host: a\nend\n"},
        Case{"EmptyQuery", "GET /? HTTP/1.1\r\nHost: a\r\n\r\n",
             "request GET host=a path=/ query= body=none\n  Host: a\nend\n"},
        Case{"Http10", "GET / HTTP/1.0\r\n\r\n",
             "request GET host= path=/ 1.0 close body=none\nend\n"},
        Case{"Http10KeepAlive", "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n",
             "request GET host= path=/ 1.0 body=none\n  Connection: Keep-Alive\nend\n"},
        Case{
            "CloseAmongOptions", "GET / HTTP/1.1\r\nHost: a\r\nConnection: x , CLOSE\r\n\r\n",
            "request GET host=a path=/ close body=none\n  Host: a\n  Connection: x , CLOSE\nend\n"},
        Case{"BodyWithLength", with_fields("Content-Length: 5\r\n", "hello"),
             "request POST host=a path=/a body=5\n  Host: a\n  Content-Length: 5\nbody "
             "hello\nend\n"},
        Case{"LengthZero", with_fields("Content-Length: 0\r\n"),
             "request POST host=a path=/a body=0\n  Host: a\n  Content-Length: 0\nend\n"},
        Case{
            "Pipelined",
            "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nPOST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n"
            "\r\nx\r\nGET /3 HTTP/1.1\r\nHost: a\r\n\r\n",
            "request GET host=a path=/1 body=none\n  Host: a\nend\n"
            "request POST host=a path=/2 body=1\n  Host: a\n  Content-Length: 1\nbody x\nend\n"
            "request GET host=a path=/3 body=none\n  Host: a\nend\n"},
        Case{"Chunks", chunked("5\r\nhello\r\n00B\r\n, big world\r\n0\r\n\r\n"),
             "request POST host=a path=/a body=chunked\n  Host: a\n  Transfer-Encoding: chunked\n"
             "body hello, big world\nend\n"},
        Case{"ChunkExtensionsVanish", chunked("1;a;b=c;d=\"e f\"\r\nx\r\n0;z=1\r\n\r\n"),
             "request POST host=a path=/a body=chunked\n  Host: a\n  Transfer-Encoding: chunked\n"
             "body x\nend\n"},
        Case{"Trailers",
             chunked("1\r\nx\r\n0\r\nX-Sum: 9\r\nContent-Length: 3\r\nHost: evil\r\n"
                     "Authorization: x\r\nX_Sum: 1\r\n\r\n"),
             "request POST host=a path=/a body=chunked\n  Host: a\n  Transfer-Encoding: chunked\n"
             "body x\ntrailers\n  X-Sum: 9\nend\n"},
        Case{"ForbiddenTrailersAlone", chunked("0\r\nTransfer-Encoding: gzip\r\n\r\n"),
             "request POST host=a path=/a body=chunked\n  Host: a\n  Transfer-Encoding: chunked\n"
             "end\n"},
        Case{"ExpectContinue", with_fields("Expect: 100-Continue\r\nContent-Length: 1\r\n", "x"),
             "request POST host=a path=/a expect body=1\n  Host: a\n  Expect: 100-Continue\n"
             "  Content-Length: 1\nbody x\nend\n"},
        Case{"AbsoluteFormOverridesHost",
             "GET HTTP://b.example/x?y HTTP/1.1\r\nHost: a\r\nX-A: 1\r\n\r\n",
             "request GET host=b.example path=/x query=y body=none\n  X-A: 1\n  Host: b.example\n"
             "end\n"},
        Case{"AbsoluteFormWithoutPath", "GET http://a?y HTTP/1.1\r\nHost: a\r\n\r\n",
             "request GET host=a path=/ query=y body=none\n  Host: a\nend\n"},
        Case{"OptionsStar", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
             "request OPTIONS host=a path=* body=none\n  Host: a\nend\n"},
        Case{"CanonicalPath", "GET /a/../%62/./c HTTP/1.1\r\nHost: a\r\n\r\n",
             "request GET host=a path=/b/c body=none\n  Host: a\nend\n"},
        Case{"UnderscoresVanish", "GET / HTTP/1.1\r\nHost: a\r\nX_User: root\r\n\r\n",
             "request GET host=a path=/ body=none\n  Host: a\nend\n"},
        Case{"UpgradeToH2cVanishes",
             "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
             "request GET host=a path=/ body=none\n  Host: a\n  Connection: Upgrade\nend\n"}),
    case_name);

class Refuses : public testing::TestWithParam<Case> {};

// Nothing of the request may be seen before the refusal, except with a body that turns out
// malformed.
TEST_P(Refuses, InEveryCut) {
  const std::string text = read_requests(GetParam().wire);
  EXPECT_EQ(text.substr(std::min(text.rfind("error "), text.size())),
            "error " + GetParam().expected + "\n")
      << text;
}

Case refused(std::string name, std::string wire, std::string error = "bad_request") {
  return {std::move(name), std::move(wire), std::move(error)};
}

std::string line(const std::string& request_line) { return request_line + "\r\nHost: a\r\n\r\n"; }

INSTANTIATE_TEST_SUITE_P(
    RequestLine, Refuses,
    testing::Values(
        refused("Http09", "GET /\r\n\r\n"), refused("Http2", line("GET / HTTP/2.0"), "version"),
        refused("Preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "version"),
        refused("Http12", line("GET / HTTP/1.2"), "version"),
        refused("LowerCaseVersion", line("GET / http/1.1")),
        refused("Rtsp", line("GET / RTSP/1.0")), refused("TwoSpaces", line("GET  / HTTP/1.1")),
        refused("SpaceAfterVersion", line("GET / HTTP/1.1 ")),
        refused("SpaceInTarget", line("GET /a b HTTP/1.1")),
        refused("TabInLine", line("GET\t/ HTTP/1.1")), refused("NoTarget", line("GET HTTP/1.1")),
        refused("EmptyTarget", line("GET  HTTP/1.1")), refused("Empty", "\r\n\r\n"),
        refused("LeadingSpace", line(" GET / HTTP/1.1")),
        refused("LeadingLf", "\n" + line("GET / HTTP/1.1")),
        refused("LeadingCr", "\r" + line("GET / HTTP/1.1")),
        refused("UnknownMethod", line("BREW / HTTP/1.1"), "method_not_implemented"),
        refused("LowerCaseMethod", line("get / HTTP/1.1"), "method_not_implemented"),
        refused("MethodNoToken", line("G(T / HTTP/1.1")),
        refused("Connect", "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", "method_not_allowed"),
        refused("Fragment", line("GET /a#b HTTP/1.1")),
        refused("Quote", line("GET /a?\" HTTP/1.1")), refused("Angle", line("GET /<a> HTTP/1.1")),
        refused("Caret", line("GET /^ HTTP/1.1")), refused("Backslash", line("GET /a\\b HTTP/1.1")),
        refused("RawNonAscii", line("GET /\xC3\xA9 HTTP/1.1")),
        refused("NulInTarget", line(std::string("GET /a\0 HTTP/1.1", 16))),
        refused("StarWithGet", line("GET * HTTP/1.1")),
        refused("RelativePath", line("GET a HTTP/1.1")),
        refused("OtherScheme", line("GET ftp://a/ HTTP/1.1")),
        refused("AuthorityWithUserInfo", line("GET http://u@a/ HTTP/1.1")),
        refused("AuthorityEmpty", line("GET http:///a HTTP/1.1")),
        refused("AboveRoot", line("GET /../a HTTP/1.1")),
        refused("EscapedSlash", line("GET /a%2Fb HTTP/1.1")),
        refused("EscapedBackslash", line("GET /a%5cb HTTP/1.1")),
        refused("EscapedNul", line("GET /a%00 HTTP/1.1")),
        refused("Overlong", line("GET /%c0%ae%c0%ae/ HTTP/1.1")),
        refused("LongTarget", line("GET /" + std::string(8192, 'a') + " HTTP/1.1"), "uri_too_long"),
        refused("EndlessTarget", "GET /" + std::string(20000, 'a'), "uri_too_long"),
        refused("TlsHello", std::string("\x16\x03\x01\x02\x00\x01\x00", 7))),
    case_name);

INSTANTIATE_TEST_SUITE_P(
    Fields, Refuses,
    testing::Values(refused("SpaceBeforeColon", with_fields("X-A : b\r\n")),
                    refused("EmptyName", with_fields(": b\r\n")),
                    refused("NoColon", with_fields("X-A\r\n")),
                    refused("ObsFold", with_fields("X-A: b\r\n c\r\n")),
                    refused("ObsFoldTab", with_fields("X-A: b\r\n\tc\r\n")),
                    refused("FoldFirst", "GET / HTTP/1.1\r\n Host: a\r\n\r\n"),
                    refused("NameNoToken", with_fields("X(A: b\r\n")),
                    refused("NonAsciiName", with_fields("X-\xE9: b\r\n")),
                    refused("BareLf", "GET / HTTP/1.1\nHost: a\n\n"),
                    refused("BareLfInField", with_fields("X-A: b\nX-B: c\r\n")),
                    refused("BareCr", with_fields("X-A: b\rX-B: c\r\n")),
                    refused("CrCrLf", with_fields("X-A: b\r\r\n")),
                    refused("Nul", with_fields(std::string("X-A: b\0c\r\n", 10))),
                    refused("Escape", with_fields("X-A: \x1b[0m\r\n")),
                    refused("Delete", with_fields("X-A: \x7f\r\n")),
                    refused("LfEndsHead", "GET / HTTP/1.1\r\nHost: a\r\n\n"),
                    refused("Fields101",
                            "GET / HTTP/1.1\r\nHost: a\r\n" + repeat("X-A: b\r\n", 100) + "\r\n",
                            "header_too_large"),
                    refused("Head64KiB", with_fields("X-A: " + std::string(65536, 'a') + "\r\n"),
                            "header_too_large"),
                    refused("EndlessFields", "GET / HTTP/1.1\r\nX-A: " + std::string(70000, 'a'),
                            "header_too_large")),
    case_name);

INSTANTIATE_TEST_SUITE_P(
    Host, Refuses,
    testing::Values(refused("Missing", "GET / HTTP/1.1\r\n\r\n"),
                    refused("MissingWithAbsoluteForm", "GET http://a/ HTTP/1.1\r\n\r\n"),
                    refused("Twice", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"),
                    refused("TwiceIn10", "GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n"),
                    refused("Comma", "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n"),
                    refused("UserInfo", "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n"),
                    refused("Empty", "GET / HTTP/1.1\r\nHost:\r\n\r\n"),
                    refused("Space", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n"),
                    refused("Path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"),
                    refused("Port", "GET / HTTP/1.1\r\nHost: a:99999\r\n\r\n"),
                    refused("MalformedBesideAbsoluteForm",
                            "GET http://a/ HTTP/1.1\r\nHost: a,b\r\n\r\n")),
    case_name);

INSTANTIATE_TEST_SUITE_P(
    Framing, Refuses,
    testing::Values(
        refused("LengthAndEncoding",
                with_fields("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n")),
        refused("EncodingAndLength",
                with_fields("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n")),
        refused("EncodingIn10", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"),
        refused("EncodingTwice",
                with_fields("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n")),
        refused("ChunkedTwice", with_fields("Transfer-Encoding: chunked, chunked\r\n")),
        refused("ChunkedNotLast", with_fields("Transfer-Encoding: chunked, gzip\r\n")),
        refused("Identity", with_fields("Transfer-Encoding: identity\r\n")),
        refused("EncodingEmpty", with_fields("Transfer-Encoding:\r\n")),
        refused("Xchunked", with_fields("Transfer-Encoding: xchunked\r\n")),
        refused("QuotedChunked", with_fields("Transfer-Encoding: \"chunked\"\r\n")),
        refused("ChunkedWithParameter", with_fields("Transfer-Encoding: chunked;q=1\r\n")),
        refused("VerticalTabChunked", with_fields("Transfer-Encoding: \x0b"
                                                  "chunked\r\n")),
        refused("GzipChunked", with_fields("Transfer-Encoding: gzip, chunked\r\n"),
                "transfer_coding"),
        refused("LengthTwiceDiffers", with_fields("Content-Length: 5\r\nContent-Length: 6\r\n")),
        refused("LengthTwiceSame", with_fields("Content-Length: 5\r\nContent-Length: 5\r\n")),
        refused("LengthList", with_fields("Content-Length: 5, 5\r\n")),
        refused("LengthPlus", with_fields("Content-Length: +5\r\n")),
        refused("LengthMinus", with_fields("Content-Length: -5\r\n")),
        refused("LengthHex", with_fields("Content-Length: 0x5\r\n")),
        refused("LengthUnderscore", with_fields("Content-Length: 1_0\r\n")),
        refused("LengthEmpty", with_fields("Content-Length:\r\n")),
        refused("LengthSpace", with_fields("Content-Length: 1 0\r\n")),
        refused("LengthOver63Bits", with_fields("Content-Length: 9223372036854775808\r\n")),
        refused("LengthOver64Bits", with_fields("Content-Length: 18446744073709551621\r\n")),
        refused("Expect", with_fields("Expect: 200-ok\r\n"), "expectation")),
    case_name);

INSTANTIATE_TEST_SUITE_P(
    Chunks, Refuses,
    testing::Values(
        refused("HexPrefix", chunked("0x5\r\nhello\r\n0\r\n\r\n")),
        refused("Plus", chunked("+5\r\nhello\r\n0\r\n\r\n")),
        refused("Minus", chunked("-5\r\nhello\r\n0\r\n\r\n")),
        refused("SpaceBefore", chunked(" 5\r\nhello\r\n0\r\n\r\n")),
        refused("SpaceAfter", chunked("5 \r\nhello\r\n0\r\n\r\n")),
        refused("SpaceBeforeExtension", chunked("5 ;a\r\nhello\r\n0\r\n\r\n")),
        refused("BareSemicolon", chunked("5;\r\nhello\r\n0\r\n\r\n")),
        refused("NoSize", chunked("\r\nhello\r\n0\r\n\r\n")),
        refused("SizeNoDigit", chunked("g\r\n\r\n0\r\n\r\n")),
        refused("BareLfAfterSize", chunked("5\nhello\r\n0\r\n\r\n")),
        refused("BareCrAfterSize", chunked("5\rhello\r\n0\r\n\r\n")),
        refused("NulInExtension", chunked(std::string("5;a\0\r\nhello\r\n", 13))),
        refused("LfInExtension", chunked("5;a\nb\r\nhello\r\n0\r\n\r\n")),
        refused("CrInExtension", chunked("5;a\rb\r\nhello\r\n0\r\n\r\n")),
        refused("LfInQuotedExtension", chunked("5;a=\"\n\"\r\nhello\r\n0\r\n\r\n")),
        refused("Overrun", chunked("5\r\nhello, world\r\n0\r\n\r\n")),
        refused("BareLfAfterData", chunked("5\r\nhello\n0\r\n\r\n")),
        refused("SizeOver64Bits", chunked("10000000000000005\r\nhello\r\n0\r\n\r\n")),
        refused("LongExtension",
                chunked("5;a=" + std::string(17000, 'b') + "\r\nhello\r\n0\r\n\r\n")),
        refused("EndlessZeros", chunked(std::string(17000, '0') + "5\r\nhello\r\n0\r\n\r\n")),
        refused("FoldedTrailer", chunked("0\r\nX-A: b\r\n c\r\n\r\n")),
        refused("ControlByteInTrailer", chunked("0\r\nX-A: \x01\r\n\r\n")),
        refused("ManyTrailers", chunked("0\r\n" + repeat("X-A: b\r\n", 101) + "\r\n"),
                "header_too_large"),
        refused("LargeTrailer", chunked("0\r\nX-A: " + std::string(65536, 'a') + "\r\n\r\n"),
                "header_too_large")),
    case_name);

TEST(H1ServerCodec, TakesHeadsUpToTheLimits) {
  const std::string fields = "GET / HTTP/1.1\r\nHost: a\r\n" + repeat("X-A: b\r\n", 99) + "\r\n";
  EXPECT_TRUE(read_requests(fields).ends_with("end\n"));
  const std::string target = "GET /" + std::string(8191, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n";
  EXPECT_TRUE(read_requests(target).ends_with("end\n"));
  std::string large = "GET / HTTP/1.1\r\nHost: a\r\nX-A: ";
  large += std::string(65536 - 4 - large.size(), 'a') + "\r\n\r\n";
  EXPECT_TRUE(read_requests(large).ends_with("end\n"));
}

TEST(H1ServerCodec, TakesChunkExtensionsUpToTheLimit) {
  const std::string body = "5;a=" + std::string(16000, 'b') + "\r\nhello\r\n0\r\n\r\n";
  EXPECT_TRUE(read_requests(chunked(body)).ends_with("body hello\nend\n"));
}

// Wherever a control byte stands near the limits of line and head, it is found in every cut.
TEST(H1ServerCodec, FindsControlBytesNearTheLimits) {
  RequestOptions options;
  options.limits = {.max_fields = 4, .max_head_bytes = 120, .max_target_bytes = 30};
  const std::string plain = "GET /" + std::string(40, 'a') +
                            " HTTP/1.1\r\nHost: a\r\nX-A: " + std::string(60, 'b') + "\r\n\r\n";
  for (std::size_t at = 0; at < plain.size(); ++at) {
    std::string wire = plain;
    wire[at] = '\x01';
    EXPECT_TRUE(read_requests(wire, options).starts_with("error ")) << at;
  }
}

TEST(H1ServerCodec, CountsDroppedUnderscores) {
  RequestTrace trace;
  trace.feed("GET / HTTP/1.1\r\nHost: a\r\nX_A: 1\r\nX_B: 1\r\n\r\n");
  EXPECT_EQ(trace.codec().dropped_underscores(), 2U);
}

TEST(H1ServerCodec, UnderscoresAreRefusedOrAllowedOnDemand) {
  RequestOptions options;
  const std::string wire = "GET / HTTP/1.1\r\nHost: a\r\nX_A: 1\r\n\r\n";
  options.underscores = Underscores::refuse;
  EXPECT_EQ(read_requests(wire, options), "error bad_request\n");
  options.underscores = Underscores::allow;
  EXPECT_EQ(read_requests(wire, options),
            "request GET host=a path=/ body=none\n  Host: a\n  X_A: 1\nend\n");
}

TEST(H1ServerCodec, SlashesMergeUnlessAskedNotTo) {
  RequestOptions options;
  const std::string wire = "GET //a///b HTTP/1.1\r\nHost: a\r\n\r\n";
  EXPECT_TRUE(read_requests(wire, options).starts_with("request GET host=a path=/a/b "));
  options.merge_slashes = false;
  EXPECT_TRUE(read_requests(wire, options).starts_with("request GET host=a path=//a///b "));
}

TEST(H1ServerCodec, BodiesAboveTheLimitAreRefused) {
  RequestOptions options;
  options.max_body_bytes = 5;
  EXPECT_EQ(read_requests(with_fields("Content-Length: 6\r\n", "abcdef"), options),
            "error body_too_large\n");
  EXPECT_TRUE(read_requests(with_fields("Content-Length: 5\r\n", "abcde"), options)
                  .ends_with("body abcde\nend\n"));
  EXPECT_TRUE(read_requests(chunked("3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"), options)
                  .ends_with("body abcde\nend\n"));
  // How much is seen before depends on how the bytes come; the end never does.
  RequestTrace trace(options);
  trace.feed(chunked("3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n"));
  EXPECT_TRUE(trace.text().ends_with("body abc\nerror body_too_large\n"));
}

TEST(H1ServerCodec, KnowsWhetherAHeadIsUnderWay) {
  RequestTrace trace;
  EXPECT_FALSE(trace.codec().in_head());
  trace.feed("\r\n");
  EXPECT_FALSE(trace.codec().in_head());
  trace.feed("GET / HTTP/1.1\r\n");
  EXPECT_TRUE(trace.codec().in_head());
  trace.feed("Host: a\r\nContent-Length: 1\r\n\r\n");
  EXPECT_FALSE(trace.codec().in_head());
}

// What follows a refused request is never looked at: it might have been meant as its body.
TEST(H1ServerCodec, StaysSilentAfterARefusal) {
  const std::string smuggled = "GET /admin HTTP/1.1\r\nHost: a\r\n\r\n";
  EXPECT_EQ(read_requests(with_fields("Content-Length: x\r\n", smuggled)), "error bad_request\n");
}

/// A codec that has read `request`, and what it writes.
class Answer {
 public:
  explicit Answer(std::string_view request) { trace_.feed(request); }

  void add(std::string_view name, std::string_view value) { head.headers.add(arena_, name, value); }
  Arena& arena() { return arena_; }

  std::string write(std::string_view body = "", bool close = false) {
    Buffer out;
    auto& codec = trace_.codec();
    if (!codec.encode_head(kOnlyStream, head, close, out)) return "refused" + out.to_string();
    codec.encode_body_prefix(kOnlyStream, body.size(), out);
    out.append(body);
    codec.encode_body_suffix(kOnlyStream, body.size(), out);
    codec.encode_end(kOnlyStream, nullptr, out);
    return out.to_string();
  }
  bool ends_by_close() { return trace_.codec().ends_by_close(kOnlyStream); }

  ResponseHead head;

 private:
  RequestTrace trace_{{}, AfterEnd::wait};
  Arena arena_;
};

constexpr std::string_view kGet11 = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr std::string_view kGet10 = "GET / HTTP/1.0\r\n\r\n";
constexpr std::string_view kGet10KeepAlive = "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n";
constexpr std::string_view kDate = "Sun, 06 Nov 1994 08:49:37 GMT";

struct FormCase {
  std::string name;
  std::string_view request;
  BodySize body;
  bool close;
  std::string expected;
};

void PrintTo(const FormCase& row, std::ostream* out) { *out << row.name; }

class ResponseForm : public testing::TestWithParam<FormCase> {};

TEST_P(ResponseForm, FitsClientAndBody) {
  Answer answer(GetParam().request);
  answer.head.body = GetParam().body;
  answer.add("Date", kDate);
  EXPECT_EQ(answer.write("ab", GetParam().close),
            "HTTP/1.1 200 OK\r\nDate: " + std::string(kDate) + "\r\n" + GetParam().expected);
}

INSTANTIATE_TEST_SUITE_P(
    H1ServerCodec, ResponseForm,
    testing::Values(
        FormCase{"Length", kGet11, {Framing::length, 2}, false, "Content-Length: 2\r\n\r\nab"},
        FormCase{"Chunked",
                 kGet11,
                 {Framing::chunked, 0},
                 false,
                 "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n"},
        FormCase{"UntilClose",
                 kGet11,
                 {Framing::until_close, 0},
                 false,
                 "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n"},
        FormCase{"Close",
                 kGet11,
                 {Framing::length, 2},
                 true,
                 "Content-Length: 2\r\nConnection: close\r\n\r\nab"},
        FormCase{"ClientCloses",
                 "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
                 {Framing::length, 2},
                 false,
                 "Content-Length: 2\r\nConnection: close\r\n\r\nab"},
        FormCase{"Length10",
                 kGet10,
                 {Framing::length, 2},
                 false,
                 "Content-Length: 2\r\nConnection: close\r\n\r\nab"},
        FormCase{"KeepAlive10",
                 kGet10KeepAlive,
                 {Framing::length, 2},
                 false,
                 "Content-Length: 2\r\nConnection: keep-alive\r\n\r\nab"},
        FormCase{"Chunked10",
                 kGet10KeepAlive,
                 {Framing::chunked, 0},
                 false,
                 "Connection: close\r\n\r\nab"}),
    [](const auto& info) { return info.param.name; });

TEST(H1ServerCodec, TellsWhenOnlyClosingEndsTheBody) {
  Answer old(kGet10KeepAlive);
  old.head.body = {Framing::chunked, 0};
  old.write("ab");
  EXPECT_TRUE(old.ends_by_close());
  Answer now(kGet11);
  now.head.body = {Framing::chunked, 0};
  now.write("ab");
  EXPECT_FALSE(now.ends_by_close());
}

TEST(H1ServerCodec, AnswersWithoutABodySayLengthZero) {
  Answer answer(kGet11);
  answer.head.status = 404;
  answer.add("Date", kDate);
  EXPECT_EQ(answer.write(),
            "HTTP/1.1 404 Not Found\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
            "Content-Length: 0\r\n\r\n");
}

TEST(H1ServerCodec, StatusesWithoutBodySayNoLength) {
  for (const int status : {204, 304}) {
    Answer answer(kGet11);
    answer.head.status = status;
    EXPECT_EQ(answer.write().find("Content-Length"), std::string::npos) << status;
  }
}

TEST(H1ServerCodec, HeadIsToldTheLengthOfGet) {
  Answer forwarded("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
  forwarded.add("Content-Length", "41");
  EXPECT_NE(forwarded.write().find("\r\nContent-Length: 41\r\n"), std::string::npos);
  Answer local("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
  local.head.body = {Framing::length, 7};
  EXPECT_NE(local.write().find("\r\nContent-Length: 7\r\n"), std::string::npos);
  Answer unknown("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(unknown.write().find("Content-Length"), std::string::npos);
}

TEST(H1ServerCodec, AddsADateOnlyWhenMissing) {
  Answer answer(kGet11);
  const std::string text = answer.write();
  EXPECT_NE(text.find("\r\nDate: "), std::string::npos);
  EXPECT_EQ(text.find("Server"), std::string::npos);
}

TEST(H1ServerCodec, DropsHopByHopAndFramingFields) {
  Answer answer(kGet11);
  answer.head.body = {Framing::length, 2};
  answer.add("Date", kDate);
  for (const char* name : {"Connection", "keep-alive", "Transfer-Encoding", "Content-Length", "TE",
                           "Trailer", "Upgrade", "Proxy-Connection", "Proxy-Authenticate"})
    answer.add(name, "1");
  answer.add("Server", "App");
  EXPECT_EQ(answer.write("ab"),
            "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
            "Server: App\r\nContent-Length: 2\r\n\r\nab");
}

TEST(H1ServerCodec, RefusesToSplitAResponse) {
  for (const auto& [name, value] : std::initializer_list<std::pair<const char*, std::string>>{
           {"Location", "/a\r\nSet-Cookie: x"},
           {"X-A", "a\nb"},
           {"X-A", std::string("a\0b", 3)},
           {"X-A\r\nX-B", "a"},
           {"X A", "a"},
           {"", "a"}}) {
    Answer answer(kGet11);
    answer.add(name, value);
    EXPECT_EQ(answer.write(), "refused") << name << ": " << value;
  }
  Answer reason(kGet11);
  reason.head.reason = "OK\r\nX-A: b";
  EXPECT_EQ(reason.write(), "refused");
}

TEST(H1ServerCodec, WritesInformationalResponses) {
  RequestTrace trace;
  trace.feed(kGet11);
  Arena arena;
  HeaderList headers;
  Buffer out;
  trace.codec().encode_informational(kOnlyStream, 100, headers, out);
  headers.add(arena, "Link", "</a>");
  trace.codec().encode_informational(kOnlyStream, 103, headers, out);
  EXPECT_EQ(out.to_string(),
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
}

TEST(H1ServerCodec, AfterASwitchAllBytesAreBody) {
  RequestTrace trace({}, AfterEnd::wait);
  trace.feed(std::string(kGet11) + "GET /early HTTP/1.1\r\n");
  ResponseHead head;
  head.status = 101;
  Arena arena;
  head.headers.add(arena, "X-A", "b");
  head.headers.add(arena, "Content-Length", "7");
  Buffer out;
  ASSERT_FALSE(trace.codec().encode_switch(kOnlyStream, head, "a\r\nb", out));
  ASSERT_TRUE(trace.codec().encode_switch(kOnlyStream, head, "websocket", out));
  EXPECT_EQ(out.to_string(),
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            "X-A: b\r\n\r\n");
  trace.feed(std::string("\0\r\n", 3));
  EXPECT_TRUE(trace.text().ends_with("end\nbody GET /early HTTP/1.1\r\n" +
                                     std::string("\0\r\n", 3) + "\n"));
  EXPECT_EQ(trace.requests(), 1U);
}

TEST(H1ServerCodec, WritesTrailersWithChunksOnly) {
  Arena arena;
  HeaderList trailers;
  trailers.add(arena, "X-Sum", "1");
  trailers.add(arena, "Content-Length", "1");
  trailers.add(arena, "X-Split", "a\r\nb");
  RequestTrace trace;
  trace.feed(kGet11);
  Buffer out;
  ResponseHead head;
  head.body = {Framing::chunked, 0};
  ASSERT_TRUE(trace.codec().encode_head(kOnlyStream, head, false, out));
  out.clear();
  trace.codec().encode_end(kOnlyStream, &trailers, out);
  EXPECT_EQ(out.to_string(), "0\r\nX-Sum: 1\r\n\r\n");
}

TEST(H1ServerCodec, WritesHeadsLargerThanOneChunkOfABuffer) {
  Answer answer(kGet11);
  const std::string value(Buffer::kLarge, 'v');
  answer.add("X-A", value);
  EXPECT_NE(answer.write().find("\r\nX-A: " + value + "\r\n"), std::string::npos);
}

// However it is cut: a head costs little more than its own size.
TEST(H1ServerCodecTest, ALongHeadInSmallPiecesIsHeldOnce) {
  RequestTrace trace;
  trace.feed("GET / HTTP/1.1\r\nHost: a\r\n");
  for (int i = 0; i < 60; ++i)
    for (const std::string& piece : {std::string("X-A: "), std::string(993, 'x') + "\r\n"})
      trace.feed(piece);
  EXPECT_FALSE(trace.failed());
  EXPECT_LE(trace.held(), 100'000U);
  trace.feed("\r\n");
  EXPECT_EQ(trace.requests(), 1U);
}

}  // namespace
}  // namespace gateway::http::h1_server_codec_test
