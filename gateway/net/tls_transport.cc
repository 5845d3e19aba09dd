#include <openssl/pem.h>

#include <cstring>

#include "gateway/base/check.h"
#include "gateway/net/openssl.h"
#include "gateway/net/socket_transport.h"
#include "gateway/net/tls_client.h"
#include "gateway/net/tls_server.h"

namespace gateway::net {
namespace {

constexpr unsigned char kHandshakeRecord = 0x16;  // RFC 8446 §5.1

// A read of at most this size goes to OpenSSL in one piece, not as a header and the rest: that
// saves it a call. In a long run of records it would move the beginning of each next one about.
constexpr std::size_t kReadAhead = 4 * 1024;

/// The last one: what Go's and with it Kubernetes' reading of a name takes. Empty when there is
/// none, or one with a NUL in it, which somebody wants to be read as another.
std::string common_name_of(X509_NAME* name) {
  int at = -1;
  for (int next = -1; (next = X509_NAME_get_index_by_NID(name, NID_commonName, next)) >= 0;)
    at = next;
  if (at < 0) return {};
  unsigned char* text = nullptr;
  const int size =
      ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
  if (size < 0) {
    openssl_error();
    return {};
  }
  std::string common_name(reinterpret_cast<char*>(text), static_cast<std::size_t>(size));
  OPENSSL_free(text);
  return common_name.find('\0') == std::string::npos ? common_name : std::string();
}

std::string memory_of(BIO* text) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(text, &data);
  return {data, static_cast<std::size_t>(size)};
}

/// RFC 2253.
std::string distinguished_name(X509_NAME* name) {
  const BioPtr text(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(text.get(), name, 0, XN_FLAG_RFC2253);
  return memory_of(text.get());
}

std::string pem_text(X509* certificate) {
  const BioPtr text(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(text.get(), certificate);
  return memory_of(text.get());
}

/// Records over a socket, by OpenSSL, through the thread's buffers.
class TlsTransport final : public SocketTransport,
                           private CiphertextSink,
                           private ListHook<TlsTransport> {
 public:
  using SocketTransport::SocketTransport;
  ~TlsTransport() override;

  void accept(ServerTlsContext& context, std::string_view early);
  void connect(ClientTlsContext& context, std::string_view server_name, Duration timeout);

  void write(std::span<const iovec> pieces) override;
  const TlsFacts& facts() const override { return facts_; }

 private:
  void on_connected() override;
  void on_received(std::string_view bytes) override;
  void on_end_of_stream() override;
  std::span<char> receive_buffer() override { return {io().cipher_in(), IoBuffers::kCipherIn}; }
  void say_goodbye() override;
  ErrorCode lost_code() const override;
  void flush_ciphertext() override;

  void take(SSL* ssl);
  bool looks_like_tls(std::string_view first);
  bool advance_handshake();
  void handshake_failed();
  void establish();
  void read_records();
  void encrypt(std::span<const iovec> pieces);
  bool seal(std::string_view plain);

  friend class WarmConnections;
  friend class IntrusiveList<TlsTransport, TlsTransport>;
  void note_read();
  void note_write();
  void warm() { SSL_clear_mode(ssl_.get(), SSL_MODE_RELEASE_BUFFERS); }
  void cool();
  Instant last_use_{};  ///< exact to WarmConnections::kStep

  // Until the first bytes a server connection has no SSL object: who merely connects costs little.
  SslCtxPtr server_;
  SslPtr ssl_;
  TlsFacts facts_;
  /// Of the client's certificate, which most clients do not have.
  std::unique_ptr<ClientCertificate> client_;
  bool established_ = false;
  bool ticket_due_ = false;  // TLS 1.3: sent with the first answer, in one record run and one send
  bool in_clear_ = false;    // the client does not speak TLS
};

/// OpenSSL's record buffers (34 KiB a connection) are given back when a busy connection falls idle,
/// not after each record: allocating them anew costs a twentieth of a small request. Busy is who is
/// heard again soon after; all others, and those beyond a bound, have them for the length of a read
/// or write, so that many connections that say little each cost what idle ones do.
class WarmConnections {
 public:
  static constexpr std::size_t kMost = 256;
  static constexpr Duration kIdle = std::chrono::milliseconds(500);
  /// A use this soon after the last one is not worth a change of the list.
  static constexpr Duration kStep = kIdle / 4;

  static WarmConnections& of(EventLoop& loop) {
    thread_local WarmConnections warm;
    if (warm.loop_ != &loop) warm.begin(loop);
    return warm;
  }

  void used(TlsTransport& transport) {
    if (connections_.back() == &transport) return;
    if (transport.linked())
      transport.unlink();
    else
      take(transport);
    connections_.push_back(transport);
    if (!timer_.armed()) timer_.arm(loop_->timers(), kIdle);
  }
  void forget(TlsTransport& transport) {
    if (!transport.linked()) return;
    transport.unlink();
    --count_;
  }

 private:
  void begin(EventLoop& loop) {
    connections_.clear();
    count_ = 0;
    timer_.cancel();
    loop_ = &loop;
  }
  void take(TlsTransport& transport) {
    if (++count_ > kMost) cool_oldest();
    transport.warm();
  }
  void cool_oldest() {
    if (TlsTransport* oldest = connections_.pop_front()) {
      oldest->cool();
      --count_;
    }
  }
  void on_timer() {
    while (TlsTransport* oldest = connections_.front()) {
      const Duration idle = loop_->now() - oldest->last_use_;
      if (idle < kIdle) return timer_.arm(loop_->timers(), kIdle - idle);
      cool_oldest();
    }
  }

  EventLoop* loop_ = nullptr;
  IntrusiveList<TlsTransport, TlsTransport> connections_;  // the longest unused first
  std::size_t count_ = 0;
  Timer timer_{Callback<>::bind<&WarmConnections::on_timer>(this)};
};

void TlsTransport::note_read() {
  const Duration quiet = loop().now() - last_use_;
  if (quiet < WarmConnections::kStep && linked()) return;
  last_use_ = loop().now();
  if (closed()) return;
  if (quiet < WarmConnections::kIdle) return WarmConnections::of(loop()).used(*this);
  // By itself OpenSSL gives the read buffer back only to who reads once more in vain.
  if (!linked()) SSL_free_buffers(ssl_.get());
}

// A long answer keeps warm who is warm already.
void TlsTransport::note_write() {
  if (linked() && loop().now() - last_use_ >= WarmConnections::kStep) note_read();
}

void TlsTransport::cool() {
  SSL_set_mode(ssl_.get(), SSL_MODE_RELEASE_BUFFERS);
  SSL_free_buffers(ssl_.get());
}

TlsTransport::~TlsTransport() {
  if (linked()) WarmConnections::of(loop()).forget(*this);
  close();
  // Without this OpenSSL takes a connection's session for broken and never resumes it.
  if (ssl_) SSL_set_shutdown(ssl_.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
}

void TlsTransport::take(SSL* ssl) {
  ssl_.reset(ssl);
  GATEWAY_CHECK(ssl_ != nullptr);
  BIO_up_ref(io().bio());
  SSL_set_bio(ssl, io().bio(), io().bio());
}

void TlsTransport::accept(ServerTlsContext& context, std::string_view early) {
  facts_.is_tls = true;
  server_.reset(context.share());
  arm_deadline(context.handshake_timeout(), ErrorCode::tls_handshake_failed);
  start_accepted(early);
}

void TlsTransport::connect(ClientTlsContext& context, std::string_view server_name,
                           Duration timeout) {
  facts_.is_tls = true;
  take(context.new_connection(peer_, server_name));
  start_connecting(timeout);
}

void TlsTransport::on_connected() {
  if (side() == Side::downstream) return;  // the client speaks first
  io().feed({});
  advance_handshake();
}

bool TlsTransport::looks_like_tls(std::string_view first) {
  if (static_cast<unsigned char>(first[0]) == kHandshakeRecord) return true;
  if (first[0] < 'A' || first[0] > 'Z') {
    fail({ErrorCode::tls_handshake_failed, side(), "the first bytes are no TLS handshake"});
    return false;
  }
  in_clear_ = true;
  refuse({ErrorCode::plaintext_on_tls, side(), "plain HTTP on a TLS port"});
  return false;
}

void TlsTransport::on_received(std::string_view bytes) {
  if (in_clear_) return;
  if (!ssl_) {
    if (!looks_like_tls(bytes)) return;
    take(SSL_new(server_.get()));
    SSL_set_accept_state(ssl_.get());
    server_.reset();
  }
  io().feed(bytes);
  if (!established_) {
    if (!advance_handshake()) return;
    // A client that gathers small writes (Nagle's algorithm) keeps its request until the end of its
    // handshake is acknowledged; the ticket, which would do that, goes with the answer.
    if (side() == Side::downstream && io().unread() == 0) acknowledge();
  }
  if (!reading()) return keep_unread(bytes.substr(bytes.size() - io().unread()));
  if (io().unread() > 0) read_records();
}

bool TlsTransport::advance_handshake() {
  io().collect(*this);
  const int done = SSL_do_handshake(ssl_.get());
  const int reason = done == 1 ? SSL_ERROR_NONE : SSL_get_error(ssl_.get(), done);
  flush_ciphertext();
  if (reason == SSL_ERROR_WANT_READ) return false;
  if (reason != SSL_ERROR_NONE) {
    handshake_failed();
    return false;
  }
  establish();
  tell_open();
  return usable();
}

void TlsTransport::handshake_failed() {
  const long verdict = SSL_get_verify_result(ssl_.get());
  std::string detail = openssl_error();
  if (verdict != X509_V_OK) detail += std::string(": ") + X509_verify_cert_error_string(verdict);
  const bool upstream = side() == Side::upstream;
  fail({lost_code(), side(), std::move(detail), upstream});
}

void TlsTransport::establish() {
  established_ = true;
  SSL* ssl = ssl_.get();
  SSL_free_buffers(ssl);
  facts_.version = SSL_get_version(ssl);
  facts_.cipher = SSL_get_cipher_name(ssl);
  facts_.resumed = SSL_session_reused(ssl) == 1;
  const unsigned char* alpn = nullptr;
  unsigned alpn_size = 0;
  SSL_get0_alpn_selected(ssl, &alpn, &alpn_size);
  facts_.alpn = {reinterpret_cast<const char*>(alpn), alpn_size};
  if (side() == Side::upstream) return;
  if (const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name)) {
    facts_.server_name = name;
  }
  ticket_due_ =
      SSL_version(ssl) == TLS1_3_VERSION && (SSL_get_options(ssl) & SSL_OP_NO_TICKET) == 0;
  if (const ClientAuthority* asked = asked_authority(ssl))
    facts_.client_authority = asked->identity_bytes();
  X509* certificate = SSL_get0_peer_certificate(ssl);
  if (certificate == nullptr) return;
  // A session that is resumed brings along what was verified then.
  facts_.client_verified = SSL_get_verify_result(ssl) == X509_V_OK &&
                           X509_cmp_current_time(X509_get0_notAfter(certificate)) > 0;
  client_ = std::make_unique<ClientCertificate>(ClientCertificate{
      distinguished_name(X509_get_subject_name(certificate)),
      common_name_of(X509_get_subject_name(certificate)),
      distinguished_name(X509_get_issuer_name(certificate)), pem_text(certificate)});
  facts_.client_certificate = client_.get();
}

void TlsTransport::read_records() {
  char* plain = io().plain();
  std::size_t total = 0;
  int reason = SSL_ERROR_NONE;
  io().collect(*this);
  SSL_set_read_ahead(ssl_.get(), io().unread() <= kReadAhead ? 1 : 0);
  // Without ciphertext a further call would only learn that there is none.
  while (io().unread() > 0 || SSL_has_pending(ssl_.get()) == 1) {
    std::size_t got = 0;
    const int ok = SSL_read_ex(ssl_.get(), plain + total, IoBuffers::kPlain - total, &got);
    total += got;
    if (ok == 1) continue;
    reason = SSL_get_error(ssl_.get(), ok);
    break;
  }
  flush_ciphertext();  // an alert, or the answer to a key update
  note_read();
  std::string detail;
  const bool broken = reason == SSL_ERROR_SSL || reason == SSL_ERROR_SYSCALL;
  if (broken) detail = openssl_error();
  if (total > 0) deliver({plain, total});
  if (closed()) return;
  if (reason == SSL_ERROR_ZERO_RETURN) return tell_eof();
  if (broken) fail({lost_code(), side(), std::move(detail)});
}

void TlsTransport::on_end_of_stream() {
  if (in_clear_) return tell_eof();
  if (!established_) {
    return fail({lost_code(), side(), "closed during the handshake", side() == Side::upstream});
  }
  // Whoever cuts a connection can forge a FIN, so an answer must not end with one (RFC 9112 §9.8).
  // A request's end never depends on it.
  if (side() == Side::upstream) {
    return fail({lost_code(), side(), "closed without close_notify"});
  }
  tell_eof();
}

ErrorCode TlsTransport::lost_code() const {
  if (established_ || in_clear_) return SocketTransport::lost_code();
  return side() == Side::downstream ? ErrorCode::tls_handshake_failed
                                    : ErrorCode::upstream_tls_failed;
}

void TlsTransport::write(std::span<const iovec> pieces) {
  GATEWAY_CHECK(state() != State::starting && state() != State::connecting);
  if (!usable()) return;
  if (in_clear_) return send(pieces);
  io().collect(*this);
  const bool with_ticket = ticket_due_;
  ticket_due_ = false;
  if (with_ticket) SSL_new_session_ticket(ssl_.get());
  encrypt(pieces);
  flush_ciphertext();
  // For a ticket OpenSSL's state machine takes a read buffer too.
  if (with_ticket && !linked()) SSL_free_buffers(ssl_.get());
  note_write();
}

// Small pieces are copied together into one record; of large ones only what fills up a record.
void TlsTransport::encrypt(std::span<const iovec> pieces) {
  char* gather = io().gather();
  std::size_t held = 0;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    std::string_view rest(static_cast<const char*>(pieces[i].iov_base), pieces[i].iov_len);
    const bool last = i + 1 == pieces.size();
    while (!rest.empty()) {
      if (held == 0 && (last || rest.size() >= IoBuffers::kRecord)) {
        const std::size_t over = last ? 0 : rest.size() % IoBuffers::kRecord;
        if (!seal(rest.substr(0, rest.size() - over))) return;
        rest.remove_prefix(rest.size() - over);
        continue;
      }
      const std::size_t count = std::min(rest.size(), IoBuffers::kRecord - held);
      std::memcpy(gather + held, rest.data(), count);
      held += count;
      rest.remove_prefix(count);
      if (held < IoBuffers::kRecord) continue;
      if (!seal({gather, held})) return;
      held = 0;
    }
  }
  if (held > 0) seal({gather, held});
}

bool TlsTransport::seal(std::string_view plain) {
  if (plain.empty()) return true;
  std::size_t written = 0;
  if (SSL_write_ex(ssl_.get(), plain.data(), plain.size(), &written) == 1) return true;
  fail_later({lost_code(), side(), openssl_error()});
  return false;
}

void TlsTransport::flush_ciphertext() {
  const std::string_view bytes = io().written();
  if (bytes.empty()) return;
  const iovec piece{const_cast<char*>(bytes.data()), bytes.size()};
  send({&piece, 1});
  io().clear_written();
}

void TlsTransport::say_goodbye() {
  if (!established_) return;
  io().collect(*this);
  if (SSL_shutdown(ssl_.get()) < 0) openssl_error();
  flush_ciphertext();
}

}  // namespace

std::unique_ptr<Transport> make_tls_server_transport(
    EventLoop& loop, int fd, const SocketAddress& peer, const SocketAddress& local,
    ServerTlsContext& context, TransportOwner& owner, std::string_view early) {
  auto transport = std::make_unique<TlsTransport>(loop, fd, peer, local, owner);
  transport->accept(context, early);
  return transport;
}

std::unique_ptr<Transport> connect_transport(EventLoop& loop, const SocketAddress& peer,
                                             Duration timeout, ClientTlsContext* tls,
                                             std::string_view server_name, TransportOwner& owner) {
  if (tls == nullptr) return connect_tcp(loop, peer, timeout, owner);
  auto transport = std::make_unique<TlsTransport>(loop, -1, peer, SocketAddress(), owner);
  transport->connect(*tls, server_name, timeout);
  return transport;
}

}  // namespace gateway::net
