#include "gateway/http/h1_server_codec.h"

#include <gtest/gtest.h>

#include "tests/unit/http/cuts.h"

namespace gateway::http {
namespace {

TEST(H1ServerCodec, ReadsARequestHoweverItIsCut) {
  EXPECT_EQ(read_requests("GET /jobs?id=7 HTTP/1.1\r\nHost: example.com\r\nX-A:  b c \r\n\r\n")
                .substr(0, 300),
            "request GET host=example.com path=/jobs query=id=7 body=none\n"
            "  Host: example.com\n  X-A: b c\nend\n");
}

}  // namespace
}  // namespace gateway::http
