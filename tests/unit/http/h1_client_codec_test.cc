#include "gateway/http/h1_client_codec.h"

#include <gtest/gtest.h>

#include "tests/unit/http/cuts.h"

namespace gateway::http {
namespace {

TEST(H1ClientCodec, ReadsAResponse) {
  EXPECT_EQ(read_responses("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"),
            "response 200 OK body=5\n  Content-Length: 5\nbody hello\nend reusable\n");
  EXPECT_EQ(read_responses("HTTP/1.1 200 OK\r\nTransfer-Encoding: "
                           "chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nX-T: 1\r\n\r\n"),
            "response 200 OK body=chunked\n  Transfer-Encoding: chunked\nbody hello\ntrailers\n  "
            "X-T: 1\nend reusable\n");
}

}  // namespace
}  // namespace gateway::http
