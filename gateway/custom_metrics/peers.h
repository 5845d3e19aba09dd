#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/address.h"
#include "gateway/base/result.h"
#include "gateway/config/model.h"
#include "gateway/custom_metrics/cluster_sum.h"
#include "gateway/custom_metrics/replica_rings.h"
#include "gateway/net/tls_client.h"
#include "gateway/runtime/event_loop.h"

namespace gateway::custom_metrics {

/// Another replica of the gateway, whoever lists it: a file, or a controller that watches.
struct Peer {
  std::string name;
  SocketAddress address;
  bool terminating = false;
  bool operator==(const Peer&) const = default;
};

/// Where a peer answers, on its cluster listener.
inline constexpr std::string_view kRingsPath = "/cluster/rings";

/// The peers of a file: one address in a line, `#` begins a comment. The error names the line.
Result<std::vector<SocketAddress>> read_peer_list(std::string_view text);
/// Peers that have no other name than their address.
std::vector<Peer> peers_at(const std::vector<SocketAddress>& addresses);

/// Asks every peer each second, by calls on kept connections over mutual TLS, and tells the sum
/// what it hears. One that has not answered within kDeadline has failed in this round. Loop thread.
class Peers {
 public:
  static constexpr Duration kRound = std::chrono::seconds(1);
  static constexpr Duration kDeadline = std::chrono::milliseconds(300);
  /// A new replica is listed before it listens: what goes on for longer is a problem.
  static constexpr int kProblemRounds = 5;

  /// All outlive it. `after_round` is called each second, when our own rings were read.
  Peers(EventLoop& loop, ReplicaRings& rings, ClusterSum& sum, std::function<void()> after_round);
  ~Peers();
  Peers(const Peers&) = delete;
  Peers& operator=(const Peers&) = delete;

  /// How peers are spoken to from now on; `tls` as made from `settings`. Before the first list.
  void use_tls(const config::UpstreamTls& settings, std::shared_ptr<net::ClientTlsContext> tls);
  /// Replaces the list; what is known of those that stay is kept. The first one starts the rounds.
  void set_peers(const std::vector<Peer>& peers);
  /// Of those that have failed in the last kProblemRounds, but for terminating ones, by name: a
  /// sentence that says why.
  std::map<std::string, std::string> problems() const;

 private:
  class Pull;
  void round();

  EventLoop& loop_;
  ReplicaRings& rings_;
  ClusterSum& sum_;
  std::function<void()> after_round_;
  config::UpstreamTls tls_settings_;
  std::shared_ptr<net::ClientTlsContext> tls_;
  std::map<std::string, std::unique_ptr<Pull>, std::less<>> pulls_;
  Timer timer_;
};

}  // namespace gateway::custom_metrics
