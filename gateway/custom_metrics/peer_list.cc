#include <fmt/format.h>

#include "gateway/custom_metrics/peers.h"

namespace gateway::custom_metrics {
namespace {

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

// What may be listened at need not be where one can connect to.
bool can_be_asked(const SocketAddress& address) {
  const std::string_view bytes = address.ip().bytes();
  return address.port() != 0 && bytes.find_first_not_of('\0') != std::string_view::npos;
}

}  // namespace

Result<std::vector<SocketAddress>> read_peer_list(std::string_view text) {
  std::vector<SocketAddress> addresses;
  for (int number = 1; !text.empty(); ++number) {
    const auto end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    line = trimmed(line.substr(0, line.find('#')));
    if (line.empty()) continue;
    const auto address = SocketAddress::parse(line);
    if (!address || !can_be_asked(*address))
      return failure(
          ErrorCode::invalid_argument, Side::internal,
          fmt::format("line {}: \"{}\" is not the address and port of a replica", number, line));
    addresses.push_back(*address);
  }
  return addresses;
}

std::vector<Peer> peers_at(const std::vector<SocketAddress>& addresses) {
  std::vector<Peer> peers;
  peers.reserve(addresses.size());
  for (const SocketAddress& address : addresses) peers.push_back({address.to_string(), address});
  return peers;
}

}  // namespace gateway::custom_metrics
