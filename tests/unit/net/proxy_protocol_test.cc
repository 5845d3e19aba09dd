#include "gateway/net/proxy_protocol.h"

#include <gtest/gtest.h>

#include <string>

namespace gateway::net {
namespace {

std::string v2(char version_command, char family, const std::string& rest) {
  std::string bytes("\r\n\r\n\0\r\nQUIT\n", 12);
  bytes += {version_command, family, static_cast<char>(rest.size() >> 8),
            static_cast<char>(rest.size())};
  return bytes + rest;
}

std::string source_of(std::string_view bytes) {
  const auto header = parse_proxy_header(bytes);
  if (!header) return "error";
  if (!*header) return "more";
  return (*header)->local ? "local" : (*header)->source.to_string();
}

TEST(ProxyProtocolTest, ReadsVersion1) {
  const auto header = parse_proxy_header("PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\nGET /");
  ASSERT_TRUE(header && *header);
  EXPECT_EQ((*header)->source.to_string(), "192.0.2.1:56324");
  EXPECT_EQ((*header)->destination.to_string(), "198.51.100.2:443");
  EXPECT_EQ((*header)->length, 45U);
  EXPECT_EQ(source_of("PROXY TCP6 2001:db8::1 2001:db8::2 1 2\r\n"), "[2001:db8::1]:1");
  EXPECT_EQ(source_of("PROXY UNKNOWN\r\n"), "local");
  EXPECT_EQ(source_of("PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n"), "local");
}

TEST(ProxyProtocolTest, ReadsVersion2) {
  const std::string four("\xc0\x00\x02\x01\xc6\x33\x64\x02\xdc\x04\x01\xbb", 12);
  EXPECT_EQ(source_of(v2('\x21', '\x11', four)), "192.0.2.1:56324");
  EXPECT_EQ(source_of(v2('\x21', '\x11', four + std::string("\x04\0\x01x", 4))), "192.0.2.1:56324")
      << "extensions are skipped";
  std::string six(36, '\0');
  six[0] = 0x20;
  six[15] = 1;
  six[33] = 7;
  EXPECT_EQ(source_of(v2('\x21', '\x21', six)), "[2000::1]:7");
  EXPECT_EQ(source_of(v2('\x20', '\0', "")), "local") << "a health check of the balancer itself";
  EXPECT_EQ(source_of(v2('\x21', '\0', "")), "local");
}

TEST(ProxyProtocolTest, WaitsForEveryByte) {
  const std::string four("\xc0\x00\x02\x01\xc6\x33\x64\x02\xdc\x04\x01\xbb", 12);
  for (const std::string& whole :
       {std::string("PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n"), v2('\x21', '\x11', four)}) {
    for (std::size_t size = 0; size < whole.size(); ++size)
      EXPECT_EQ(source_of(whole.substr(0, size)), "more") << size;
  }
}

TEST(ProxyProtocolTest, RefusesEverythingElse) {
  for (const std::string& bytes : {
           std::string("GET / HTTP/1.1\r\n"),
           std::string("PROXY TCP4 1.2.3.4 5.6.7.8 1\r\n"),
           std::string("PROXY TCP4 1.2.3.4 5.6.7.8 1 2 3\r\n"),
           std::string("PROXY TCP4 1.2.3.4 5.6.7.8 01 2\r\n"),
           std::string("PROXY TCP4 1.2.3.4 5.6.7.8 1 65536\r\n"),
           std::string("PROXY TCP4  1.2.3.4 5.6.7.8 1 2\r\n"),
           std::string("PROXY TCP4 ::1 ::1 1 2\r\n"),
           std::string("PROXY TCP6 1.2.3.4 5.6.7.8 1 2\r\n"),
           std::string("PROXY UDP4 1.2.3.4 5.6.7.8 1 2\r\n"),
           "PROXY TCP4 " + std::string(200, '1'),
           v2('\x11', '\x11', std::string(12, '\0')),  // version 1
           v2('\x22', '\x11', std::string(12, '\0')),  // command 2
           v2('\x21', '\x11', std::string(11, '\0')),  // too short for its family
           v2('\x21', '\x12', std::string(12, '\0')),  // datagrams
           v2('\x21', '\x11', std::string(5000, '\0')),
       })
    EXPECT_EQ(source_of(bytes), "error") << bytes.substr(0, 40);
}

}  // namespace
}  // namespace gateway::net
