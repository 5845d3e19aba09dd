#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gateway/base/result.h"
#include "gateway/config/checks.h"
#include "gateway/config/model.h"
#include "gateway/custom_metrics/cluster_handler.h"
#include "gateway/custom_metrics/cluster_sum.h"
#include "gateway/custom_metrics/peers.h"
#include "gateway/custom_metrics/replica_rings.h"
#include "gateway/custom_metrics/serving_authority.h"
#include "gateway/custom_metrics/sum_history.h"
#include "gateway/metrics/facts.h"
#include "gateway/net/certificate.h"
#include "gateway/net/tls_client.h"
#include "gateway/net/tls_server.h"
#include "gateway/runtime/event_loop.h"
#include "gateway/server/local_listener.h"

namespace gateway::server {

/// The sums over all replicas of one gateway process: asks the peers, answers them and the readers.
/// Control thread.
class ClusterService {
 public:
  /// What a configuration's section comes to; nothing of it can fail any more.
  struct Prepared {
    /// None: publish_peers() has the word.
    std::optional<std::vector<custom_metrics::Peer>> peers;
    config::UpstreamTls peer_tls;
    std::shared_ptr<const net::ClientTlsFiles> files;  ///< what both contexts are made of
    std::unique_ptr<net::ServerTlsContext> server;
    std::shared_ptr<net::ClientTlsContext> client;
  };
  /// Blocks on files.
  static tl::expected<Prepared, config::Finding> prepare(const config::Cluster& cluster,
                                                         net::TlsLibrary& library,
                                                         net::CertificateStore& store);
  /// The same without files, for replicas whose certificates and peers somebody watches. Peers must
  /// have certificates for `server_name`.
  static Result<Prepared> prepare(const custom_metrics::ServingMaterial& material,
                                  std::string server_name, net::TlsLibrary& library,
                                  net::CertificateStore& store);

  /// All outlive it. `token` is asked at each request of a reader.
  ClusterService(EventLoop& loop, const Registry& registry, std::function<std::string()> token);
  ~ClusterService();

  /// Binds; nobody is answered before use().
  Result<void> open(const SocketAddress& address);
  /// At the first configuration, which begins everything, and after each reload.
  void use(Prepared prepared);
  /// The replicas that there are, this one among them or not, whenever that changes. Before the
  /// first list, as before use(), the sums are not known. Not together with a configuration that
  /// lists peers.
  void publish_peers(std::vector<custom_metrics::Peer> peers);

  custom_metrics::ClusterSum& sum() { return sum_; }
  ClusterFacts facts();
  /// What peers are shown, out of a file; null before use(), and where it is made and renewed by
  /// the replicas themselves.
  const net::Certificate* certificate() const {
    return peer_tls_.certificate.empty() ? nullptr : files_->certificate.get();
  }
  /// Where it was bound; after open().
  SocketAddress address() const { return address_; }

 private:
  bool has_news(const Prepared& prepared) const;
  void after_round();

  EventLoop& loop_;
  custom_metrics::ReplicaRings rings_;
  custom_metrics::ClusterSum sum_;
  custom_metrics::SumHistory history_;
  custom_metrics::ClusterHandler handler_;
  custom_metrics::Peers peers_;
  std::map<std::string, std::string> problems_;  ///< of peers, as of the last round
  SocketAddress address_;
  std::vector<std::shared_ptr<net::ListenSocket>> sockets_;  ///< until there is a listener
  std::unique_ptr<LocalListener> listener_;
  config::UpstreamTls peer_tls_;
  std::shared_ptr<const net::ClientTlsFiles> files_;
  std::optional<std::vector<custom_metrics::Peer>> published_;  ///< until it can be asked
};

}  // namespace gateway::server
