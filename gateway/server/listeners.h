#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include <tl/expected.hpp>

#include "gateway/config/checks.h"
#include "gateway/config/model.h"
#include "gateway/net/certificate.h"
#include "gateway/net/certificate_files.h"
#include "gateway/net/certificate_set.h"
#include "gateway/net/listen_socket.h"
#include "gateway/net/ticket_keys.h"
#include "gateway/net/tls_library.h"
#include "gateway/server/worker.h"

namespace gateway::server {

/// What the control thread keeps per listener: sockets, certificates, ticket keys, the count of
/// open connections. A plan for a new model is made before anything is swapped: a socket that
/// cannot be bound or a certificate that cannot be read refuses the whole reload and changes
/// nothing.
class Listeners {
 public:
  /// Both outlive it.
  Listeners(std::size_t workers, net::TlsLibrary& library, net::CertificateStore& store)
      : workers_(workers), library_(library), store_(store) {}

  /// Sockets are known by their address: a reload may give one to another listener. Port 0 is
  /// whichever is free, so there it is the listener's name and the number among its addresses.
  using Place = std::tuple<SocketAddress, std::string, std::size_t>;

  /// Everything a model needs, not yet in force. Dropping it closes what it newly opened.
  struct Prepared {
    using Sockets = std::map<Place, std::vector<std::shared_ptr<net::ListenSocket>>>;
    /// New keys for a file, taken when all is put in force.
    struct TicketFile {
      std::shared_ptr<net::TicketKeys> keys;
      std::string bytes;
    };
    Sockets sockets;
    std::map<std::string, std::shared_ptr<const net::CertificateSet>> certificates;
    std::map<std::string, net::Digest> client_cas;
    std::map<std::string, std::shared_ptr<std::atomic<std::uint32_t>>> open_connections;
    std::map<std::string, net::LoadedPairs> pairs;
    std::map<std::string, net::LoadedTexts> texts;
    /// By file; those without a file share the process's own.
    std::map<std::string, TicketFile> ticket_files;
    const config::Model* model = nullptr;  ///< while it is being put in force
  };
  /// Reads the files that listeners name and makes sure that workers can serve with them; what is
  /// wrong goes to `findings`. `keep_broken`: a certificate that cannot be read now keeps the pair
  /// that is in use, if there is one (a folder in the middle of being rewritten); the error goes to
  /// `kept`.
  Prepared load(const config::Model& model, bool keep_broken,
                std::vector<config::Finding>& findings, std::vector<Error>& kept);
  /// Binds what is not bound yet.
  tl::expected<void, config::Finding> open_sockets(Prepared& prepared);
  /// Before workers swap.
  static void take_ticket_keys(Prepared& prepared);
  /// One worker's share.
  std::vector<ListenerPlan> plans(const Prepared& prepared, std::size_t worker) const;
  /// Before workers swap: sockets that `next` (null: nobody) has no use for get no new connection.
  /// False when there are none.
  bool stop_inviting(const Prepared* next);
  /// After every worker has taken its plans and released the rest: old sockets close now.
  void commit(Prepared prepared);
  void close_sockets() { current_.sockets.clear(); }

  /// In use, by listener.
  const std::map<std::string, std::shared_ptr<const net::CertificateSet>>& certificates() const {
    return current_.certificates;
  }

  /// Keys that no file gives: a new one encrypts from now on (RFC 9325 §4.3).
  void rotate_tickets() { tickets_->rotate(); }

 private:
  static Place place_of(const config::Listener& listener, std::size_t address);
  Result<void> load_tls(const config::Listener& listener, bool keep_broken, Prepared& prepared,
                        std::vector<Error>& kept);
  Result<void> load_certificates(const config::Listener& listener, bool keep_broken,
                                 Prepared& prepared, std::vector<Error>& kept);
  Result<void> load_ticket_keys(const config::Listener& listener, Prepared& prepared);
  Result<void> try_context(const config::Listener& listener, const Prepared& prepared);
  const std::shared_ptr<net::TicketKeys>& tickets_of(const config::ListenerTls& tls,
                                                     const Prepared& prepared) const;

  const std::size_t workers_;
  net::TlsLibrary& library_;
  net::CertificateStore& store_;
  std::shared_ptr<net::TicketKeys> tickets_ = std::make_shared<net::TicketKeys>();
  Prepared current_;
};

}  // namespace gateway::server
