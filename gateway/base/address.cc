#include "gateway/base/address.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace gateway {
namespace {

tl::unexpected<Error> invalid(std::string_view what, std::string_view text) {
  return failure(ErrorCode::invalid_argument, Side::internal,
                 fmt::format("'{}' is not {}", text, what));
}

constexpr std::uint8_t kMappedPrefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

}  // namespace

IpAddress IpAddress::v4(std::uint32_t host_order) {
  IpAddress address;
  const std::uint32_t network = htonl(host_order);
  std::memcpy(address.bytes_, &network, sizeof network);
  return address;
}

IpAddress IpAddress::v6(const std::uint8_t (&bytes)[16]) {
  IpAddress address;
  if (std::memcmp(bytes, kMappedPrefix, sizeof kMappedPrefix) == 0) {
    std::memcpy(address.bytes_, bytes + 12, 4);
    return address;
  }
  std::memcpy(address.bytes_, bytes, 16);
  address.v4_ = false;
  return address;
}

IpAddress IpAddress::from_sockaddr(const sockaddr* address) {
  if (address->sa_family == AF_INET6) {
    sockaddr_in6 in6;
    std::memcpy(&in6, address, sizeof in6);
    return v6(in6.sin6_addr.s6_addr);
  }
  sockaddr_in in4{};
  if (address->sa_family == AF_INET) std::memcpy(&in4, address, sizeof in4);
  return v4(ntohl(in4.sin_addr.s_addr));
}

Result<IpAddress> IpAddress::parse(std::string_view text) {
  const std::string copy(text);
  in_addr in4;
  if (::inet_pton(AF_INET, copy.c_str(), &in4) == 1) return v4(ntohl(in4.s_addr));
  in6_addr in6;
  if (::inet_pton(AF_INET6, copy.c_str(), &in6) == 1) return v6(in6.s6_addr);
  return invalid("an IP address", text);
}

bool IpAddress::is_loopback() const {
  if (v4_) return bytes_[0] == 127;
  static constexpr std::uint8_t kOne[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  return std::memcmp(bytes_, kOne, 16) == 0;
}

std::size_t IpAddress::write(char* out) const {
  if (v4_) {
    // By hand: inet_ntop goes through snprintf, which costs more than the rest of a log line.
    char* at = out;
    for (int i = 0; i < 4; ++i) {
      if (i > 0) *at++ = '.';
      at = std::to_chars(at, at + 3, bytes_[i]).ptr;
    }
    return static_cast<std::size_t>(at - out);
  }
  char text[INET6_ADDRSTRLEN];
  ::inet_ntop(v4_ ? AF_INET : AF_INET6, bytes_, text, sizeof text);
  const std::size_t length = std::strlen(text);
  std::memcpy(out, text, length);
  return length;
}

std::string IpAddress::to_string() const {
  char text[INET6_ADDRSTRLEN];
  return {text, write(text)};
}

std::uint64_t IpAddress::hash() const {
  std::uint64_t halves[2];
  std::memcpy(halves, bytes_, sizeof halves);
  std::uint64_t h = halves[0] * 0x9e3779b97f4a7c15U ^ (halves[1] + (v4_ ? 1 : 0));
  h ^= h >> 32;
  return h * 0xd6e8feb86659fd93U;
}

SocketAddress SocketAddress::from_sockaddr(const sockaddr* address) {
  std::uint16_t port = 0;
  if (address->sa_family == AF_INET6) {
    sockaddr_in6 in6;
    std::memcpy(&in6, address, sizeof in6);
    port = ntohs(in6.sin6_port);
  } else if (address->sa_family == AF_INET) {
    sockaddr_in in4;
    std::memcpy(&in4, address, sizeof in4);
    port = ntohs(in4.sin_port);
  }
  return {IpAddress::from_sockaddr(address), port};
}

Result<SocketAddress> SocketAddress::parse(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return invalid("an address with a port", text);
  std::string_view host = text.substr(0, colon);
  const std::string_view digits = text.substr(colon + 1);
  std::uint16_t port = 0;
  const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (ec != std::errc() || end != digits.data() + digits.size() || digits.empty())
    return invalid("an address with a port from 0 to 65535", text);
  if (host.empty()) {
    const std::uint8_t any[16] = {};
    return SocketAddress(IpAddress::v6(any), port);
  }
  if (host.front() == '[' && host.back() == ']')
    host = host.substr(1, host.size() - 2);
  else if (host.find(':') != std::string_view::npos)
    return invalid("an address with a port (write IPv6 as [::1]:80)", text);
  auto ip = IpAddress::parse(host);
  if (!ip) return invalid("an address with a port", text);
  return SocketAddress(*ip, port);
}

socklen_t SocketAddress::to_sockaddr(sockaddr_storage& storage) const {
  std::memset(&storage, 0, sizeof storage);
  if (ip_.is_v4()) {
    sockaddr_in in4{};
    in4.sin_family = AF_INET;
    in4.sin_port = htons(port_);
    std::memcpy(&in4.sin_addr, ip_.bytes().data(), 4);
    std::memcpy(&storage, &in4, sizeof in4);
    return sizeof in4;
  }
  sockaddr_in6 in6{};
  in6.sin6_family = AF_INET6;
  in6.sin6_port = htons(port_);
  std::memcpy(&in6.sin6_addr, ip_.bytes().data(), 16);
  std::memcpy(&storage, &in6, sizeof in6);
  return sizeof in6;
}

std::string SocketAddress::to_string() const {
  if (ip_.is_v4()) return fmt::format("{}:{}", ip_.to_string(), port_);
  return fmt::format("[{}]:{}", ip_.to_string(), port_);
}

Result<Cidr> Cidr::parse(std::string_view text) {
  const auto slash = text.find('/');
  auto base = IpAddress::parse(text.substr(0, slash));
  if (!base) return invalid("an address range such as 10.0.0.0/8", text);
  Cidr cidr;
  cidr.base_ = *base;
  const int most = base->is_v4() ? 32 : 128;
  cidr.bits_ = most;
  if (slash == std::string_view::npos) return cidr;
  const std::string_view digits = text.substr(slash + 1);
  const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), cidr.bits_);
  if (ec != std::errc() || end != digits.data() + digits.size() || cidr.bits_ < 0 ||
      cidr.bits_ > most)
    return invalid("an address range such as 10.0.0.0/8", text);
  return cidr;
}

bool Cidr::contains(const IpAddress& address) const {
  if (address.is_v4() != base_.is_v4()) return false;
  const std::string_view a = address.bytes();
  const std::string_view b = base_.bytes();
  const auto whole = static_cast<std::size_t>(bits_ / 8);
  if (std::memcmp(a.data(), b.data(), whole) != 0) return false;
  const int rest = bits_ % 8;
  if (rest == 0) return true;
  const auto mask = static_cast<std::uint8_t>(0xff << (8 - rest));
  return ((static_cast<std::uint8_t>(a[whole]) ^ static_cast<std::uint8_t>(b[whole])) & mask) == 0;
}

std::string Cidr::to_string() const { return fmt::format("{}/{}", base_.to_string(), bits_); }

bool contains(const std::vector<Cidr>& ranges, const IpAddress& address) {
  return std::any_of(ranges.begin(), ranges.end(),
                     [&](const Cidr& range) { return range.contains(address); });
}

}  // namespace gateway
