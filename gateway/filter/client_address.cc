#include "gateway/filter/client_address.h"

#include <algorithm>

#include "gateway/http/fields.h"

namespace gateway::filter {
namespace {

using http::HeaderId;

// "1.2.3.4", "1.2.3.4:567", "::1", "[::1]:567"; anything else is no address.
Result<IpAddress> parse_hop(std::string_view text) {
  if (text.empty()) return failure(ErrorCode::bad_request, Side::downstream, "empty hop");
  if (auto plain = IpAddress::parse(text)) return plain;
  auto with_port = SocketAddress::parse(text);
  if (with_port && text.front() != ':') return with_port->ip();
  if (text.size() > 2 && text.front() == '[' && text.back() == ']')
    return IpAddress::parse(text.substr(1, text.size() - 2));
  return failure(ErrorCode::bad_request, Side::downstream, "not an address");
}

bool is_forwarding_field(HeaderId id) {
  switch (id) {
    case HeaderId::forwarded:
    case HeaderId::x_forwarded_for:
    case HeaderId::x_forwarded_host:
    case HeaderId::x_forwarded_port:
    case HeaderId::x_forwarded_proto:
    case HeaderId::x_real_ip: return true;
    default: return false;
  }
}

// Also those of the family that have no id: X-Forwarded-Prefix, -Server, -Ssl …
bool claims_forwarding(const http::Header& field) {
  if (field.id != HeaderId::other) return is_forwarding_field(field.id);
  constexpr std::string_view kFamily = "x-forwarded-";
  return field.name.size() > kFamily.size() && (field.name[0] | 0x20) == 'x' &&
         http::equals_ignoring_case(field.name.substr(0, kFamily.size()), kFamily);
}

}  // namespace

ClientAddress client_address(const downstream::ConnectionFacts& connection,
                             const http::RequestHead& request, const std::vector<Cidr>& trusted) {
  ClientAddress result{connection.peer.ip(), false};
  if (trusted.empty() || !contains(trusted, connection.peer.ip())) return result;
  result.peer_trusted = true;
  // Several fields are one list (RFC 9110 §5.3): walked from the nearest hop outwards.
  for (std::size_t i = request.headers.size(); i-- > 0;) {
    const http::Header& field = request.headers[i];
    if (field.id != HeaderId::x_forwarded_for) continue;
    std::string_view rest = field.value;
    while (!rest.empty()) {
      const auto comma = rest.rfind(',');
      std::string_view hop = comma == std::string_view::npos ? rest : rest.substr(comma + 1);
      rest = comma == std::string_view::npos ? std::string_view() : rest.substr(0, comma);
      while (!hop.empty() && hop.front() == ' ') hop.remove_prefix(1);
      while (!hop.empty() && hop.back() == ' ') hop.remove_suffix(1);
      const auto address = parse_hop(hop);
      if (!address) return result;  // beyond a hop that says nonsense nobody is believed
      result.address = *address;
      if (!contains(trusted, *address)) return result;
    }
  }
  return result;
}

std::string_view client_network(const IpAddress& address, int ipv6_bits, NetworkBytes& storage) {
  const std::string_view bytes = address.bytes();
  if (address.is_v4()) return bytes;
  std::copy(bytes.begin(), bytes.end(), storage.begin());
  for (int bit = ipv6_bits; bit < 128;) {
    const int kept = bit % 8;
    char& byte = storage[static_cast<std::size_t>(bit / 8)];
    byte = static_cast<char>(byte & (0xff00 >> kept));
    bit += 8 - kept;
  }
  return {storage.data(), storage.size()};
}

void remove_forwarding_claims(http::HeaderList& headers) { headers.remove_if(claims_forwarding); }

void write_forwarded_headers(http::RequestHead& request, Arena& arena,
                             const downstream::ConnectionFacts& connection, bool peer_trusted,
                             bool host_rewritten, std::string_view original_host) {
  const std::string_view peer = connection.peer_text();
  const std::string_view proto = connection.tls->is_tls ? "https" : "http";
  http::HeaderList& headers = request.headers;
  if (!peer_trusted) {
    headers.set(arena, HeaderId::x_forwarded_for, peer);
    headers.set(arena, HeaderId::x_forwarded_proto, proto);
  } else {
    std::string_view chain;
    for (const http::Header& field : headers)
      if (field.id == HeaderId::x_forwarded_for && !field.value.empty())
        chain = chain.empty() ? field.value : arena.concat(chain, ", ", field.value);
    chain = chain.empty() ? peer : arena.concat(chain, ", ", peer);
    headers.set(arena, HeaderId::x_forwarded_for, chain);
    if (!headers.has(HeaderId::x_forwarded_proto))
      headers.add(arena, HeaderId::x_forwarded_proto, proto);
  }
  if (host_rewritten && !headers.has(HeaderId::x_forwarded_host))
    headers.add(arena, HeaderId::x_forwarded_host, original_host);
}

Result<std::vector<Cidr>> read_ranges(const config::Value& list) {
  std::vector<Cidr> ranges;
  if (!list.is_set()) return ranges;
  for (const config::Value& text : list.as<config::Value::List>()) {
    auto range = Cidr::parse(text.as<std::string>());
    if (!range) return tl::make_unexpected(range.error());
    ranges.push_back(*range);
  }
  return ranges;
}

}  // namespace gateway::filter
