#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/result.h"

namespace gateway {

/// An IPv4 or IPv6 address without a port. IPv4-mapped IPv6 addresses are normalised to IPv4, so
/// that a range written in IPv4 matches clients of a dual-stack socket.
class IpAddress {
 public:
  IpAddress() = default;  ///< 0.0.0.0
  static Result<IpAddress> parse(std::string_view text);
  static IpAddress from_sockaddr(const sockaddr* address);
  static IpAddress v4(std::uint32_t host_order);
  static IpAddress v6(const std::uint8_t (&bytes)[16]);

  bool is_v4() const { return v4_; }
  bool is_loopback() const;
  /// 4 or 16 bytes in network order.
  std::string_view bytes() const { return {reinterpret_cast<const char*>(bytes_), v4_ ? 4U : 16U}; }
  std::string to_string() const;
  /// Writes to `out` (at least 46 bytes) without allocating; returns the length.
  std::size_t write(char* out) const;
  std::uint64_t hash() const;

  bool operator==(const IpAddress&) const = default;
  auto operator<=>(const IpAddress&) const = default;

 private:
  std::uint8_t bytes_[16] = {};
  bool v4_ = true;
};

/// address:port, as bound or connected.
class SocketAddress {
 public:
  SocketAddress() = default;
  SocketAddress(IpAddress ip, std::uint16_t port) : ip_(ip), port_(port) {}
  /// "127.0.0.1:80", "[::1]:80", and ":80" (any address, both families where the system allows).
  static Result<SocketAddress> parse(std::string_view text);
  static SocketAddress from_sockaddr(const sockaddr* address);

  const IpAddress& ip() const { return ip_; }
  std::uint16_t port() const { return port_; }
  /// Fills `storage`; returns the length for bind() or connect().
  socklen_t to_sockaddr(sockaddr_storage& storage) const;
  std::string to_string() const;
  std::uint64_t hash() const { return ip_.hash() * 31 + port_; }

  bool operator==(const SocketAddress&) const = default;
  auto operator<=>(const SocketAddress&) const = default;

 private:
  IpAddress ip_;
  std::uint16_t port_ = 0;
};

/// A range of addresses in CIDR form (RFC 4632); a plain address is a range of one.
class Cidr {
 public:
  static Result<Cidr> parse(std::string_view text);
  bool contains(const IpAddress& address) const;
  std::string to_string() const;
  bool operator==(const Cidr&) const = default;

 private:
  IpAddress base_;
  int bits_ = 32;
};

/// True when any range holds the address. Lists are short; a linear walk wins.
bool contains(const std::vector<Cidr>& ranges, const IpAddress& address);

}  // namespace gateway
