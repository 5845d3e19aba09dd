#include "gateway/server/cluster_service.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <utility>

#include "gateway/config/named_files.h"
#include "gateway/http/alpn.h"

namespace gateway::server {
namespace {

constexpr std::size_t kMostPeerList = 1 << 20;

double wall_seconds() {
  const auto since = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration<double>(since).count();
}

// A session that is resumed brings along a certificate that was verified then: peers are few and
// stay connected, so nothing is lost without tickets, and an authority that was taken away counts
// at once.
config::ListenerTls listener_tls() {
  config::ListenerTls settings;
  settings.client_certificates = config::ClientCertificates::optional;
  settings.tickets = false;
  return settings;
}

/// Both contexts out of what is in memory.
Result<void> make_contexts(ClusterService::Prepared& prepared, net::TlsLibrary& library) {
  const net::ClientTlsFiles& files = *prepared.files;
  auto client = net::ClientTlsContext::make(library, prepared.peer_tls, files);
  if (!client) return tl::make_unexpected(client.error());
  prepared.client = std::move(*client);
  auto server = net::ServerTlsContext::make(
      library, listener_tls(), "cluster", net::CertificateSet::make({files.certificate}),
      std::make_shared<net::TicketKeys>(), http::kAlpn, files.ca);
  if (!server) return tl::make_unexpected(server.error());
  prepared.server = std::move(*server);
  return {};
}

tl::expected<std::vector<custom_metrics::Peer>, config::Finding> peers_of(
    const config::Cluster& cluster) {
  if (cluster.peers_file.empty()) return custom_metrics::peers_at(cluster.peers);
  const auto text = config::read_file(cluster.peers_file, kMostPeerList);
  if (!text) return tl::make_unexpected(config::Finding{"cluster.peers_file", text.error()});
  const auto addresses = custom_metrics::read_peer_list(*text);
  if (!addresses)
    return tl::make_unexpected(config::Finding{
        "cluster.peers_file", cluster.peers_file + ": " + addresses.error().detail});
  return custom_metrics::peers_at(*addresses);
}

}  // namespace

tl::expected<ClusterService::Prepared, config::Finding> ClusterService::prepare(
    const config::Cluster& cluster, net::TlsLibrary& library, net::CertificateStore& store) {
  const auto wrong = [](std::string_view path, const Error& error) {
    return tl::make_unexpected(config::Finding{std::string(path), error.detail});
  };
  auto peers = peers_of(cluster);
  if (!peers) return tl::make_unexpected(std::move(peers.error()));
  Prepared prepared;
  prepared.peers = std::move(*peers);
  config::UpstreamTls& tls = prepared.peer_tls;
  tls.ca = cluster.tls.client_ca;
  tls.certificate = cluster.tls.certificate;
  tls.key = cluster.tls.key;
  const auto files = net::ClientTlsFiles::load(tls, store);
  if (!files) return wrong("cluster.tls", files.error());
  const net::Certificate& own = *(*files)->certificate;
  tls.server_name = cluster.tls.server_name;
  if (tls.server_name.empty() && !own.names().empty()) tls.server_name = own.names().front();
  if (tls.server_name.empty())
    return tl::make_unexpected(
        config::Finding{"cluster.tls", "the certificate is for no name",
                        "server_name: a name that is in the certificates of all replicas"});
  prepared.files = *files;
  if (auto made = make_contexts(prepared, library); !made)
    return wrong("cluster.tls", made.error());
  return prepared;
}

Result<ClusterService::Prepared> ClusterService::prepare(
    const custom_metrics::ServingMaterial& material, std::string server_name,
    net::TlsLibrary& library, net::CertificateStore& store) {
  auto certificate = store.load(material.own.certificate, material.own.key);
  if (!certificate) return tl::make_unexpected(certificate.error());
  Prepared prepared;
  prepared.peer_tls.server_name = std::move(server_name);
  prepared.files = std::make_shared<const net::ClientTlsFiles>(
      net::ClientTlsFiles{material.trusted, std::move(*certificate)});
  if (auto made = make_contexts(prepared, library); !made) return tl::make_unexpected(made.error());
  return prepared;
}

ClusterService::ClusterService(EventLoop& loop, const Registry& registry,
                               std::function<std::string()> token)
    : loop_(loop),
      rings_(registry, custom_metrics::ReplicaRings::random_id()),
      sum_(loop, rings_.id()),
      history_(loop, sum_),
      handler_(rings_, sum_, history_, std::move(token), wall_seconds),
      peers_(loop, rings_, sum_, [this] { after_round(); }) {}

ClusterService::~ClusterService() = default;

Result<void> ClusterService::open(const SocketAddress& address) {
  auto sockets = net::ListenSocket::open(address, 1, static_cast<int>(config::Listener().backlog));
  if (!sockets) return tl::make_unexpected(sockets.error());
  sockets_ = std::move(*sockets);
  address_ = sockets_.front()->address();
  return {};
}

void ClusterService::after_round() {
  history_.tick();
  auto now = peers_.problems();
  for (const auto& [name, why] : now)
    if (!problems_.contains(name)) std::fprintf(stderr, "gateway: cluster: %s\n", why.c_str());
  for (const auto& [name, why] : problems_)
    if (!now.contains(name))
      std::fprintf(stderr, "gateway: cluster: peer %s is missed no more\n", name.c_str());
  problems_ = std::move(now);
}

ClusterFacts ClusterService::facts() {
  ClusterFacts facts;
  facts.sums_known = sum_.available().has_value();
  for (const custom_metrics::ClusterSum::PeerState& peer : sum_.peers()) {
    if (peer.terminating && peer.word != ClusterFacts::kStates.front()) continue;
    const auto state = std::ranges::find(ClusterFacts::kStates, peer.word);
    if (state != ClusterFacts::kStates.end())
      ++facts.peers[static_cast<std::size_t>(state - ClusterFacts::kStates.begin())];
  }
  return facts;
}

bool ClusterService::has_news(const Prepared& prepared) const {
  return !files_ || *files_ != *prepared.files || peer_tls_ != prepared.peer_tls;
}

// Connections stay over reloads that do not concern them.
void ClusterService::use(Prepared prepared) {
  if (has_news(prepared)) {
    if (listener_) {
      listener_->use(std::move(prepared.server));
    } else {
      // Without TLS in its model: peers ask for an address, and SNI is the certificate's name.
      config::Listener model;
      model.name = "cluster";
      listener_ = std::make_unique<LocalListener>(loop_, model, handler_, std::move(sockets_),
                                                  std::move(prepared.server));
    }
    peer_tls_ = prepared.peer_tls;
    files_ = std::move(prepared.files);
    peers_.use_tls(peer_tls_, std::move(prepared.client));
  }
  if (prepared.peers) peers_.set_peers(*prepared.peers);
  if (auto published = std::exchange(published_, std::nullopt)) peers_.set_peers(*published);
}

void ClusterService::publish_peers(std::vector<custom_metrics::Peer> peers) {
  if (!files_) {
    published_ = std::move(peers);
    return;
  }
  peers_.set_peers(peers);
}

}  // namespace gateway::server
