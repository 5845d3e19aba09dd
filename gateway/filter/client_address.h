#pragma once

#include <array>
#include <string_view>
#include <vector>

#include "gateway/base/address.h"
#include "gateway/base/result.h"
#include "gateway/config/value.h"
#include "gateway/downstream/handler.h"
#include "gateway/http/message.h"

namespace gateway::filter {

struct ClientAddress {
  IpAddress address;
  bool peer_trusted = false;  ///< what the peer says about forwarding may be believed
};

/// The one function that decides who the client is, for filters, hashing, log and headers: the peer
/// (which the PROXY protocol may have named), or, when the peer is in a trusted range, the
/// rightmost address of X-Forwarded-For that is not itself trusted.
ClientAddress client_address(const downstream::ConnectionFacts& connection,
                             const http::RequestHead& request, const std::vector<Cidr>& trusted);

/// The ranges of a list option, which may be left out.
Result<std::vector<Cidr>> read_ranges(const config::Value& list);

/// Memory for client_network().
using NetworkBytes = std::array<char, 16>;

/// What makes one client where clients are counted: an IPv4 address, or the first `ipv6_bits` of an
/// IPv6 one, since whoever has an address usually has its whole network. The view is into `address`
/// or `storage`.
std::string_view client_network(const IpAddress& address, int ipv6_bits, NetworkBytes& storage);

/// Takes away what a peer that is not trusted says of clients: Forwarded, X-Real-IP and the
/// X-Forwarded family (CVE-2024-45806). Before filters write fields of these names.
void remove_forwarding_claims(http::HeaderList& headers);

/// Writes what the upstream is told about the client: X-Forwarded-For and X-Forwarded-Proto. To
/// what a trusted peer says its address is appended. `host_rewritten`: the original Host is kept in
/// X-Forwarded-Host.
void write_forwarded_headers(http::RequestHead& request, Arena& arena,
                             const downstream::ConnectionFacts& connection, bool peer_trusted,
                             bool host_rewritten, std::string_view original_host);

}  // namespace gateway::filter
