#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "gateway/base/address.h"
#include "gateway/base/buffer.h"
#include "gateway/base/result.h"
#include "gateway/runtime/event_loop.h"

namespace gateway::net {

/// Who uses a transport. All calls come from the transport's loop, never from inside a call that
/// the owner makes, except that `read_start` may deliver bytes that were decrypted already at the
/// end of the turn. After an upcall the transport only looks whether it was closed meanwhile.
class TransportOwner {
 public:
  /// Connected, and for TLS the handshake is done: facts(), alpn and the like are known.
  virtual void on_transport_open() = 0;
  /// Bytes in the loop's shared buffer: gone (and poisoned in sanitizer builds) after the return.
  virtual void on_transport_read(std::string_view bytes) = 0;
  /// The peer will send no more (FIN, or close_notify).
  virtual void on_transport_eof() = 0;
  /// The queue, which had grown past the owner's interest, is empty again.
  virtual void on_transport_drained() = 0;
  /// The transport is of no more use; nothing else will come. The owner closes it.
  virtual void on_transport_error(const Error& error) = 0;

 protected:
  ~TransportOwner() = default;
};

/// The texts of a client's certificate.
struct ClientCertificate {
  std::string subject;      ///< RFC 2253
  std::string common_name;  ///< the subject's last one, unescaped; empty when it has none
  std::string issuer;       ///< RFC 2253
  std::string pem;
};

/// What a handshake established. Views live as long as the transport.
struct TlsFacts {
  bool is_tls = false;
  std::string_view version;  ///< "TLSv1.3"
  std::string_view cipher;
  std::string_view server_name;  ///< SNI as the client sent it; empty: none
  std::string_view alpn;         ///< "http/1.1", "h2" or empty
  bool resumed = false;
  bool client_verified = false;  ///< a client certificate was given and verified
  const ClientCertificate* client_certificate = nullptr;  ///< null: none was given
  /// ClientAuthority::identity() of those that the handshake asked by, on account of the server
  /// name; empty: it did not ask, or on the listener's own account.
  std::string_view client_authority;
};

/// A stream of bytes between us and one peer, plain or TLS. Made open or connecting; belongs to one
/// loop; not thread-safe. Destroying it closes it. Memory of an idle transport is kept small: no
/// buffers of its own unless something is queued.
class Transport {
 public:
  virtual ~Transport() = default;

  /// Sends as much as the system takes now and queues the rest; never blocks, never partial for the
  /// caller. Several pieces become one system call (plain) or one run of records (TLS: full 16 KiB
  /// records, all ciphertext of the call in one send). Errors come later through the owner.
  virtual void write(std::span<const iovec> pieces) = 0;
  void write(std::string_view bytes) {
    iovec piece{const_cast<char*>(bytes.data()), bytes.size()};
    write(std::span<const iovec>(&piece, 1));
  }
  /// Bytes taken but not yet given to the system.
  virtual std::size_t queued() const = 0;

  /// Back-pressure; reading is on from the start. Costs system calls: only when a queue is long.
  virtual void read_stop() = 0;
  virtual void read_start() = 0;
  virtual bool reading() const = 0;

  /// From now on a peer whose system acknowledges nothing for `within` is lost, also while nobody
  /// has anything to say (TCP keep-alive and user timeout). At least a few seconds.
  virtual void notice_loss(Duration within) = 0;

  /// After the queue: close_notify and FIN. Reading goes on.
  virtual void shutdown_write() = 0;
  /// Now, both ways; idempotent. Nothing is called after it. What is queued is lost, and the peer
  /// sees a reset then.
  virtual void close() = 0;
  /// As close, but the peer sees a reset in any case: what it has got is not the whole.
  virtual void abort() = 0;
  virtual bool closed() const = 0;

  virtual const TlsFacts& facts() const = 0;
  const SocketAddress& peer() const { return peer_; }
  const SocketAddress& local() const { return local_; }

  /// Bytes that passed, ciphertext included, for counters.
  std::uint64_t bytes_read() const { return bytes_read_; }
  std::uint64_t bytes_written() const { return bytes_written_; }

 protected:
  SocketAddress peer_;
  SocketAddress local_;
  std::uint64_t bytes_read_ = 0;
  std::uint64_t bytes_written_ = 0;
};

class ServerTlsContext;  // gateway/net/tls_server.h
class ClientTlsContext;  // gateway/net/tls_client.h

/// Takes over an accepted, connected, non-blocking descriptor. `early` are bytes that were read
/// from it already (PROXY protocol). Handshakes start by themselves; TLS bounded by the context's
/// timeout.
std::unique_ptr<Transport> make_tcp_transport(EventLoop& loop, int fd, const SocketAddress& peer,
                                              const SocketAddress& local, TransportOwner& owner,
                                              std::string_view early = {});
std::unique_ptr<Transport> make_tls_server_transport(
    EventLoop& loop, int fd, const SocketAddress& peer, const SocketAddress& local,
    ServerTlsContext& context, TransportOwner& owner, std::string_view early = {});

/// Starts connecting; the owner hears on_transport_open or on_transport_error (connect_failed,
/// connect_timeout, upstream_tls_failed), never from inside this call. `tls` null: plain.
/// `server_name` is SNI and the verified name.
std::unique_ptr<Transport> connect_transport(EventLoop& loop, const SocketAddress& peer,
                                             Duration timeout, ClientTlsContext* tls,
                                             std::string_view server_name, TransportOwner& owner);

}  // namespace gateway::net
