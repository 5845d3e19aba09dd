#include "gateway/http/h1_client_codec.h"

#include <gtest/gtest.h>

#include "tests/unit/http/cuts.h"

namespace gateway::http {
namespace {

struct Case {
  std::string name;
  std::string wire;
  std::string expected;
  Method method = Method::get;
  Then then = Then::stays_open;
};

void PrintTo(const Case& row, std::ostream* out) { *out << row.name; }

std::string case_name(const testing::TestParamInfo<Case>& info) { return info.param.name; }

class ReadsResponse : public testing::TestWithParam<Case> {};

TEST_P(ReadsResponse, InEveryCut) {
  const Case& row = GetParam();
  EXPECT_EQ(read_responses(row.wire, row.method, row.then), row.expected);
}

INSTANTIATE_TEST_SUITE_P(
    H1ClientCodec, ReadsResponse,
    testing::Values(
        Case{"Length", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
             "response 200 OK body=5\n  Content-Length: 5\nbody hello\nend reusable\n"},
        Case{"LengthZero", "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
             "response 404 Not Found body=0\n  Content-Length: 0\nend reusable\n"},
        Case{"Chunked",
             "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\n"
             "X-T: 1\r\nSet-Cookie: x\r\n\r\n",
             "response 200 OK body=chunked\n  Transfer-Encoding: chunked\nbody hello\n"
             "trailers\n  X-T: 1\nend reusable\n"},
        Case{"UntilClose", "HTTP/1.1 200 OK\r\n\r\nhello",
             "response 200 OK close body=until-close\nbody hello\nend\n", Method::get,
             Then::closes},
        Case{"Close", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx",
             "response 200 OK close body=1\n  Connection: close\n  Content-Length: 1\nbody "
             "x\nend\n"},
        Case{"Http10", "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx",
             "response 200 OK 1.0 close body=1\n  Content-Length: 1\nbody x\nend\n"},
        Case{"Http10KeepAlive",
             "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\nx",
             "response 200 OK 1.0 body=1\n  Connection: keep-alive\n  Content-Length: 1\nbody x\n"
             "end reusable\n"},
        Case{"Head", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
             "response 200 OK body=none\n  Content-Length: 5\nend reusable\n", Method::head},
        Case{"NoContent", "HTTP/1.1 204 No Content\r\n\r\n",
             "response 204 No Content body=none\nend reusable\n"},
        Case{"NotModified", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
             "response 304 Not Modified body=none\n  Content-Length: 5\nend reusable\n"},
        Case{"Informational",
             "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
             "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
             "informational 100 Continue body=none\n"
             "informational 103 Early Hints body=none\n  Link: </a>\n"
             "response 200 OK body=1\n  Content-Length: 1\nbody x\nend reusable\n"},
        Case{"NoReason", "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n",
             "response 200  body=0\n  Content-Length: 0\nend reusable\n"},
        Case{"NoReasonNoSpace", "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n",
             "response 200  body=0\n  Content-Length: 0\nend reusable\n"},
        Case{"UnderscoresStay", "HTTP/1.1 204 OK\r\nX_A: b\r\n\r\n",
             "response 204 OK body=none\n  X_A: b\nend reusable\n"}),
    case_name);

class RefusesResponse : public testing::TestWithParam<Case> {};

TEST_P(RefusesResponse, InEveryCut) {
  const Case& row = GetParam();
  const std::string text = read_responses(row.wire, row.method, row.then);
  EXPECT_EQ(text.substr(std::min(text.rfind("error "), text.size())),
            "error " + row.expected + "\n")
      << text;
  EXPECT_EQ(text.find("reusable"), std::string::npos);
}

Case refused(std::string name, std::string wire, std::string error = "upstream_protocol") {
  return {std::move(name), std::move(wire), std::move(error)};
}

Case cut_short(std::string name, std::string wire, std::string error = "truncated_response") {
  return {std::move(name), std::move(wire), std::move(error), Method::get, Then::closes};
}

std::string ok_with(const std::string& rest) { return "HTTP/1.1 200 OK\r\n" + rest; }

INSTANTIATE_TEST_SUITE_P(
    H1ClientCodec, RefusesResponse,
    testing::Values(
        refused("NoHttp", "SSH-2.0-OpenSSH\r\n\r\n"), refused("Http2", "HTTP/2.0 200 OK\r\n\r\n"),
        refused("Status99", "HTTP/1.1 099 OK\r\n\r\n"),
        refused("Status600", "HTTP/1.1 600 OK\r\n\r\n"),
        refused("Status2000", "HTTP/1.1 2000 OK\r\n\r\n"),
        refused("StatusWord", "HTTP/1.1 abc OK\r\n\r\n"),
        refused("BareLf", "HTTP/1.1 200 OK\nContent-Length: 0\n\n"),
        refused("ObsFold", ok_with("X-A: b\r\n c\r\n\r\n")),
        refused("ControlByte", ok_with("X-A: \x01\r\n\r\n")),
        refused("SpaceBeforeColon", ok_with("Content-Length : 0\r\n\r\n")),
        refused("NulInReason", std::string("HTTP/1.1 200 O\0K\r\n\r\n", 20)),
        refused("LengthTwice", ok_with("Content-Length: 1\r\nContent-Length: 2\r\n\r\nx")),
        refused("LengthList", ok_with("Content-Length: 1, 1\r\n\r\nx")),
        refused("LengthWord", ok_with("Content-Length: one\r\n\r\nx")),
        refused("LengthAndEncoding",
                ok_with("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\nx")),
        refused("EncodingUnknown", ok_with("Transfer-Encoding: gzip\r\n\r\nx")),
        refused("GzipChunked", ok_with("Transfer-Encoding: gzip, chunked\r\n\r\n")),
        refused("EncodingIn10", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        refused("ChunkOverrun", ok_with("Transfer-Encoding: chunked\r\n\r\n1\r\nxy\r\n0\r\n\r\n")),
        refused("ChunkSize", ok_with("Transfer-Encoding: chunked\r\n\r\n0x1\r\nx\r\n0\r\n\r\n")),
        refused("TooManyInformational",
                [] {
                  std::string wire;
                  for (int i = 0; i < 17; ++i) wire += "HTTP/1.1 103 \r\n\r\n";
                  return wire;
                }()),
        refused("LargeHead", ok_with("X-A: " + std::string(65536, 'a') + "\r\n\r\n"),
                "upstream_header_too_large"),
        refused("EndlessHead", "HTTP/1.1 200 " + std::string(70000, 'a'),
                "upstream_header_too_large"),
        refused(
            "ManyFields",
            [] {
              std::string wire = "HTTP/1.1 200 OK\r\n";
              for (int i = 0; i < 101; ++i) wire += "X-A: b\r\n";
              return wire + "\r\n";
            }(),
            "upstream_header_too_large"),
        cut_short("CutInBody", ok_with("Content-Length: 5\r\n\r\nhell")),
        cut_short("CutInChunk", ok_with("Transfer-Encoding: chunked\r\n\r\n5\r\nhell")),
        cut_short("CutBeforeLastChunk", ok_with("Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n")),
        cut_short("CutInHead", "HTTP/1.1 200 OK\r\nContent", "upstream_reset"),
        cut_short("CutBeforeHead", "", "upstream_reset")),
    case_name);

// Bytes behind the end that came with it: the connection must not look reusable for a moment.
TEST(H1ClientCodec, BytesAfterTheEndSpoilTheConnection) {
  for (const std::string_view wire :
       {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxHTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 204 No Content\r\nContent-Length: 1\r\n\r\nx",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n\r\n"}) {
    ResponseTrace trace;
    trace.feed(wire);
    EXPECT_TRUE(trace.text().ends_with("end\nerror upstream_protocol\n")) << trace.text();
    EXPECT_FALSE(trace.codec().reusable());
  }
}

TEST(H1ClientCodec, BytesWithoutARequestAreRefused) {
  ResponseTrace trace;
  trace.feed("HTTP/1.1 204 No Content\r\n\r\n");
  EXPECT_TRUE(trace.codec().reusable());
  trace.feed("HTTP/1.1 200 OK\r\n\r\n");
  EXPECT_FALSE(trace.codec().reusable());
  EXPECT_TRUE(trace.text().ends_with("error upstream_protocol\n"));
}

TEST(H1ClientCodec, EndOfAnIdleConnectionIsNoError) {
  ResponseTrace trace;
  trace.feed("HTTP/1.1 204 No Content\r\n\r\n");
  trace.feed_eof();
  EXPECT_FALSE(trace.codec().reusable());
  EXPECT_TRUE(trace.text().ends_with("end reusable\n"));
}

/// What a request that was read goes out as.
class Forwarded {
 public:
  explicit Forwarded(std::string_view wire) {
    source_.feed(wire);
    head = *source_.head();
  }

  std::string write(const RequestEncoding& encoding = {}) {
    Buffer out;
    if (!target_.codec().encode_head(kOnlyStream, head, encoding, out))
      return "refused" + out.to_string();
    return out.to_string();
  }

  RequestHead head;
  Arena arena;

 private:
  RequestTrace source_;
  ResponseTrace target_;
};

TEST(H1ClientCodec, ForwardsFieldsAsTheyCame) {
  const std::string wire =
      "GET /a?b=c HTTP/1.1\r\nhost: a\r\nX-A:b\r\nx-b:  c \r\nAccept: */*\r\n\r\n";
  EXPECT_EQ(Forwarded(wire).write(),
            "GET /a?b=c HTTP/1.1\r\nhost: a\r\nX-A: b\r\nx-b: c\r\nAccept: */*\r\n\r\n");
}

TEST(H1ClientCodec, SendsCanonicalPathAndGivenHost) {
  Forwarded request("GET http://b/%61/../c? HTTP/1.1\r\nHost: a\r\nX-A: b\r\n\r\n");
  EXPECT_EQ(request.write(), "GET /c? HTTP/1.1\r\nX-A: b\r\nHost: b\r\n\r\n");
  request.head.host = "internal";
  EXPECT_EQ(request.write(), "GET /c? HTTP/1.1\r\nHost: internal\r\nX-A: b\r\n\r\n");
}

TEST(H1ClientCodec, WritesHopByHopAndFramingFieldsAnew) {
  Forwarded request(
      "POST /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\nExpect: 100-continue\r\nTE: trailers\r\n"
      "Content-Length: 2\r\nUpgrade: x\r\nX-A: b\r\n\r\n");
  EXPECT_EQ(request.write(), "POST /a HTTP/1.1\r\nHost: a\r\nX-A: b\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(request.write({.keep_alive = false, .expect_continue = true}),
            "POST /a HTTP/1.1\r\nHost: a\r\nX-A: b\r\nContent-Length: 2\r\n"
            "Expect: 100-continue\r\nConnection: close\r\n\r\n");
}

TEST(H1ClientCodec, AsksForAProtocolOnlyWhenItIsTold) {
  Forwarded request(
      "GET /a HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, x\r\nUpgrade: IRC/6.9, websocket\r\n"
      "Sec-WebSocket-Version: 13\r\n\r\n");
  EXPECT_EQ(request.write(), "GET /a HTTP/1.1\r\nHost: a\r\nSec-WebSocket-Version: 13\r\n\r\n");
  RequestEncoding encoding;
  encoding.upgrade = "websocket";
  EXPECT_EQ(request.write(encoding),
            "GET /a HTTP/1.1\r\nHost: a\r\nSec-WebSocket-Version: 13\r\n"
            "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
}

TEST(H1ClientCodec, BodylessPostSaysLengthZero) {
  for (const std::string method : {"POST", "PUT", "PATCH"})
    EXPECT_EQ(Forwarded(method + " /a HTTP/1.1\r\nHost: a\r\n\r\n").write(),
              method + " /a HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
  for (const std::string method : {"GET", "DELETE", "HEAD"})
    EXPECT_EQ(Forwarded(method + " /a HTTP/1.1\r\nHost: a\r\n\r\n").write(),
              method + " /a HTTP/1.1\r\nHost: a\r\n\r\n");
}

TEST(H1ClientCodec, ChunkedBodiesAreWrittenAsChunks) {
  Forwarded request("POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
  EXPECT_EQ(request.write(), "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
}

TEST(H1ClientCodec, AddedFieldsFollowAndAreChecked) {
  Forwarded request("GET /a HTTP/1.1\r\nHost: a\r\nX-A: b\r\n\r\n");
  request.head.headers.add(request.arena, "X-User", "density");
  EXPECT_EQ(request.write(), "GET /a HTTP/1.1\r\nHost: a\r\nX-A: b\r\nX-User: density\r\n\r\n");
  request.head.headers.add(request.arena, "X-User", "a\r\nX-Admin: 1");
  EXPECT_EQ(request.write(), "refused");
}

TEST(H1ClientCodec, RefusesToSplitTheRequestLine) {
  Forwarded request("GET /a HTTP/1.1\r\nHost: a\r\n\r\n");
  request.head.path = "/a HTTP/1.1\r\nX-A: b\r\n\r\n";
  EXPECT_EQ(request.write(), "refused");
  request.head.path = "/a";
  request.head.host = "a\r\nX-A: b";
  EXPECT_EQ(request.write(), "refused");
}

// A value that was changed in the arena must not go out with the bytes of its old line.
TEST(H1ClientCodec, ReplacedValuesWin) {
  Forwarded request("GET /a HTTP/1.1\r\nHost: a\r\nX-A: b\r\nX-B: c\r\n\r\n");
  request.head.headers[1].value = "new";
  request.head.headers[2].value.remove_suffix(1);
  EXPECT_EQ(request.write(), "GET /a HTTP/1.1\r\nHost: a\r\nX-A: new\r\nX-B: \r\n\r\n");
}

}  // namespace
}  // namespace gateway::http
