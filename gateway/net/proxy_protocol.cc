#include "gateway/net/proxy_protocol.h"

#include <charconv>
#include <cstring>

namespace gateway::net {
namespace {

using Parsed = Result<std::optional<ProxyHeader>>;

constexpr std::string_view kV1Start = "PROXY ";
constexpr std::size_t kV1Longest = 107;  // with CRLF
constexpr std::string_view kV2Signature("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr std::size_t kV2Fixed = 16;

tl::unexpected<Error> malformed(const char* what) {
  return failure(ErrorCode::bad_request, Side::downstream, std::string("PROXY protocol: ") + what);
}

std::string_view next_word(std::string_view& line) {
  const auto space = line.find(' ');
  const std::string_view word = line.substr(0, space);
  line = space == std::string_view::npos ? std::string_view() : line.substr(space + 1);
  return word;
}

bool parse_port(std::string_view text, std::uint16_t& port) {
  if (text.empty() || (text.size() > 1 && text.front() == '0')) return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size();
}

Parsed parse_v1(std::string_view bytes) {
  const auto end = bytes.substr(0, kV1Longest).find("\r\n");
  if (end == std::string_view::npos) {
    if (bytes.size() >= kV1Longest) return malformed("line too long");
    return std::optional<ProxyHeader>();
  }
  ProxyHeader header;
  header.length = end + 2;
  std::string_view line = bytes.substr(kV1Start.size(), end - kV1Start.size());
  const std::string_view family = next_word(line);
  if (family == "UNKNOWN") {
    header.local = true;
    return header;
  }
  if (family != "TCP4" && family != "TCP6") return malformed("unknown family");
  const std::string_view source_text = next_word(line);
  const std::string_view destination_text = next_word(line);
  const auto source = IpAddress::parse(source_text);
  const auto destination = IpAddress::parse(destination_text);
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
  if (!source || !destination || !parse_port(next_word(line), source_port) ||
      !parse_port(next_word(line), destination_port) || !line.empty())
    return malformed("bad address");
  // By their text: an IPv4-mapped address is IPv6 here, and IPv4 to us.
  const bool colons[] = {source_text.find(':') != std::string_view::npos,
                         destination_text.find(':') != std::string_view::npos};
  const bool six = family == "TCP6";
  if (colons[0] != six || colons[1] != six) return malformed("address of another family");
  header.source = SocketAddress(*source, source_port);
  header.destination = SocketAddress(*destination, destination_port);
  return header;
}

std::uint16_t big_endian(const char* at) {
  std::uint8_t bytes[2];
  std::memcpy(bytes, at, sizeof bytes);
  return static_cast<std::uint16_t>(bytes[0] << 8 | bytes[1]);
}

IpAddress v4_at(const char* at) {
  std::uint8_t bytes[4];
  std::memcpy(bytes, at, sizeof bytes);
  return IpAddress::v4(static_cast<std::uint32_t>(bytes[0]) << 24 |
                       static_cast<std::uint32_t>(bytes[1]) << 16 |
                       static_cast<std::uint32_t>(bytes[2]) << 8 | bytes[3]);
}

IpAddress v6_at(const char* at) {
  std::uint8_t bytes[16];
  std::memcpy(bytes, at, sizeof bytes);
  return IpAddress::v6(bytes);
}

Parsed parse_v2(std::string_view bytes) {
  if (bytes.size() < kV2Fixed) return std::optional<ProxyHeader>();
  const auto version_command = static_cast<std::uint8_t>(bytes[12]);
  const auto family = static_cast<std::uint8_t>(bytes[13]);
  const std::size_t rest = big_endian(bytes.data() + 14);
  if (version_command >> 4 != 2) return malformed("unknown version");
  if (kV2Fixed + rest > kMaxProxyHeader) return malformed("header too long");
  if (bytes.size() < kV2Fixed + rest) return std::optional<ProxyHeader>();
  ProxyHeader header;
  header.length = kV2Fixed + rest;
  const std::uint8_t command = version_command & 15;
  if (command > 1) return malformed("unknown command");
  const char* at = bytes.data() + kV2Fixed;
  if (command == 0 || family >> 4 == 0) {
    header.local = true;
  } else if (family == 0x11 && rest >= 12) {
    header.source = SocketAddress(v4_at(at), big_endian(at + 8));
    header.destination = SocketAddress(v4_at(at + 4), big_endian(at + 10));
  } else if (family == 0x21 && rest >= 36) {
    header.source = SocketAddress(v6_at(at), big_endian(at + 32));
    header.destination = SocketAddress(v6_at(at + 16), big_endian(at + 34));
  } else {
    return malformed("unsupported family");
  }
  return header;
}

}  // namespace

Result<std::optional<ProxyHeader>> parse_proxy_header(std::string_view bytes) {
  const std::string_view v2 = kV2Signature.substr(0, bytes.size());
  const std::string_view v1 = kV1Start.substr(0, bytes.size());
  if (bytes.substr(0, v2.size()) == v2)
    return bytes.size() < kV2Signature.size() ? Parsed(std::optional<ProxyHeader>())
                                              : parse_v2(bytes);
  if (bytes.substr(0, v1.size()) == v1)
    return bytes.size() < kV1Start.size() ? Parsed(std::optional<ProxyHeader>()) : parse_v1(bytes);
  return malformed("no header from a peer that must send one");
}

}  // namespace gateway::net
