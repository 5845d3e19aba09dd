#include "gateway/admin/access.h"

#include <gtest/gtest.h>

#include "tests/unit/admin/fakes.h"

namespace gateway::admin {
namespace {

using http::HeaderId;
using http::Method;

ErrorCode with_host(std::string_view host, std::string_view local = "127.0.0.1:9901") {
  FakeStream stream(Method::get, "/");
  stream.request().host = host;
  stream.facts_.local = SocketAddress::parse(local).value();
  return check_origin(stream.request(), stream.connection());
}

TEST(CheckOrigin, HostIsTheAddressConnectedTo) {
  EXPECT_EQ(with_host("127.0.0.1:9901"), ErrorCode::none);
  EXPECT_EQ(with_host("localhost:9901"), ErrorCode::none);
  EXPECT_EQ(with_host("LOCALHOST:9901"), ErrorCode::none);
  EXPECT_EQ(with_host("[::1]:9901", "[::1]:9901"), ErrorCode::none);
  EXPECT_EQ(with_host("10.0.0.7:9901", "10.0.0.7:9901"), ErrorCode::none);
  EXPECT_EQ(with_host("127.0.0.1", "127.0.0.1:80"), ErrorCode::none);
}

TEST(CheckOrigin, OtherHostsAreMisdirected) {
  EXPECT_EQ(with_host("attacker.example:9901"), ErrorCode::misdirected);
  EXPECT_EQ(with_host("127.0.0.1"), ErrorCode::misdirected);
  EXPECT_EQ(with_host("127.0.0.1:9902"), ErrorCode::misdirected);
  EXPECT_EQ(with_host("127.0.0.2:9901"), ErrorCode::misdirected);
  EXPECT_EQ(with_host("localhost:9901", "10.0.0.7:9901"), ErrorCode::misdirected);
  EXPECT_EQ(with_host("127.0.0.1:9901.attacker.example"), ErrorCode::misdirected);
}

TEST(CheckOrigin, AClientWithoutHostIsNoBrowser) { EXPECT_EQ(with_host(""), ErrorCode::none); }

TEST(CheckOrigin, OriginMustBeTheSameHost) {
  for (const auto& [origin, expected] : {
           std::pair{"http://127.0.0.1:9901", ErrorCode::none},
           std::pair{"https://127.0.0.1:9901", ErrorCode::forbidden},
           std::pair{"http://localhost:9901", ErrorCode::forbidden},
           std::pair{"http://attacker.example", ErrorCode::forbidden},
           std::pair{"null", ErrorCode::forbidden},
           std::pair{"", ErrorCode::forbidden},
       }) {
    FakeStream stream(Method::post, "/reload");
    stream.add_header(HeaderId::origin, origin);
    EXPECT_EQ(check_origin(stream.request(), stream.connection()), expected) << origin;
  }
}

TEST(CheckOrigin, TwoOriginsAreNone) {
  FakeStream stream(Method::post, "/reload");
  stream.add_header(HeaderId::origin, "http://127.0.0.1:9901");
  stream.add_header(HeaderId::origin, "http://attacker.example");
  EXPECT_EQ(check_origin(stream.request(), stream.connection()), ErrorCode::forbidden);
}

TEST(CheckToken, OnlyTheWholeTokenCounts) {
  for (const auto& [value, expected] : {
           std::pair{"Bearer secret", ErrorCode::none},
           std::pair{"bearer secret", ErrorCode::none},
           std::pair{"Bearer secre", ErrorCode::unauthenticated},
           std::pair{"Bearer secrets", ErrorCode::unauthenticated},
           std::pair{"Bearer ", ErrorCode::unauthenticated},
           std::pair{"Basic secret", ErrorCode::unauthenticated},
           std::pair{"secret", ErrorCode::unauthenticated},
       }) {
    FakeStream stream(Method::post, "/reload");
    stream.add_header(HeaderId::authorization, value);
    EXPECT_EQ(check_token(stream.request(), "secret"), expected) << value;
  }
}

TEST(CheckToken, MissingTokens) {
  FakeStream stream(Method::post, "/reload");
  EXPECT_EQ(check_token(stream.request(), "secret"), ErrorCode::unauthenticated);
  stream.add_header(HeaderId::authorization, "Bearer ");
  EXPECT_EQ(check_token(stream.request(), ""), ErrorCode::forbidden);
}

}  // namespace
}  // namespace gateway::admin
