#include "gateway/net/socket_transport.h"

#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

#include "gateway/base/check.h"

namespace gateway::net {
namespace {

constexpr int kMostPieces = 64;

// A peer that sends as fast as we read must not keep the loop from the others; it is woken again.
constexpr int kMostReads = 2;

std::string system_text(const char* what, int error) {
  return std::string(what) + ": " + std::strerror(error);
}

// What ran out is our own: no endpoint is to blame. For IPv4 alone does EADDRNOTAVAIL mean that all
// ports are in use; for IPv6 a host that has no such addresses says the same.
Error connect_error(int error, int family, const std::string& text) {
  const bool ours = error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM ||
                    (error == EADDRNOTAVAIL && family == AF_INET);
  if (ours) return {ErrorCode::resource_exhausted, gateway::Side::internal, text, true};
  return {ErrorCode::connect_failed, gateway::Side::upstream, text, true};
}

// As recv() and send(), which may end a thread that was cancelled and for that call twice more into
// libc each time. Nobody cancels ours. The thread sanitizer wants to see them: they order threads.
#ifdef GATEWAY_SANITIZES_THREAD
ssize_t receive(int fd, std::span<char> into) { return ::recv(fd, into.data(), into.size(), 0); }

ssize_t send_bytes(int fd, const iovec& piece) {
  return ::send(fd, piece.iov_base, piece.iov_len, MSG_NOSIGNAL);
}
#else
ssize_t receive(int fd, std::span<char> into) {
  return ::syscall(SYS_recvfrom, fd, into.data(), into.size(), 0, nullptr, nullptr);
}

ssize_t send_bytes(int fd, const iovec& piece) {
  return ::syscall(SYS_sendto, fd, piece.iov_base, piece.iov_len, MSG_NOSIGNAL, nullptr, 0);
}
#endif

ssize_t send_pieces(int fd, std::span<const iovec> pieces) {
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(pieces.data());
  message.msg_iovlen = std::min<std::size_t>(pieces.size(), kMostPieces);
  return ::sendmsg(fd, &message, MSG_NOSIGNAL);
}

bool would_block(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR; }

}  // namespace

struct SocketTransport::Deadline {
  Timer timer;
  ErrorCode code;
};

SocketTransport::SocketTransport(EventLoop& loop, int fd, const SocketAddress& peer,
                                 const SocketAddress& local, TransportOwner& owner)
    : owner_(owner),
      loop_(loop),
      io_(IoBuffers::of_thread()),
      later_(Callback<>::bind<&SocketTransport::run_later>(this)),
      fd_(fd) {
  peer_ = peer;
  local_ = local;
}

SocketTransport::~SocketTransport() {
  // A transport may be closed from inside an upcall, never destroyed.
  GATEWAY_CHECK(!in_upcall_);
  GATEWAY_CHECK(fd_ < 0);
}

void SocketTransport::start_accepted(std::string_view early) {
  // TCP_NODELAY came with the descriptor: the listening socket has it.
  if (!watcher_.open(loop_, fd_, Callback<int>::bind<&SocketTransport::on_events>(this)))
    return fail_later({ErrorCode::resource_exhausted, side_, "the socket cannot be watched"});
  early_.append(early);
  loop_.defer(later_);
}

void SocketTransport::start_connecting(Duration timeout) {
  side_ = Side::upstream;
  state_ = State::connecting;
  sockaddr_storage address;
  const socklen_t length = peer_.to_sockaddr(address);
  fd_ = ::socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd_ < 0) {
    return fail_later(connect_error(errno, address.ss_family, system_text("socket", errno)));
  }
  // A small request must not wait for the acknowledgement of the one before.
  const int on = 1;
  ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (::connect(fd_, reinterpret_cast<sockaddr*>(&address), length) != 0 && errno != EINPROGRESS) {
    return fail_later(connect_error(errno, address.ss_family, std::strerror(errno)));
  }
  if (!watcher_.open(loop_, fd_, Callback<int>::bind<&SocketTransport::on_events>(this)))
    return fail_later(
        {ErrorCode::resource_exhausted, Side::internal, "the socket cannot be watched", true});
  arm_deadline(timeout, ErrorCode::connect_timeout);
  watcher_.want(FdWatcher::kWritable);
}

void SocketTransport::finish_connecting() {
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) return fail({ErrorCode::connect_failed, side_, std::strerror(error), true});
  state_ = State::starting;
  update_interest();
  on_connected();
}

void SocketTransport::acknowledge() {
  // An even number: what is due now, and no more. An odd one would have packets of their own for
  // the acknowledgements of the requests that follow too.
  const int once = 2;
  ::setsockopt(fd_, IPPROTO_TCP, TCP_QUICKACK, &once, sizeof once);
}

void SocketTransport::run_later() {
  if (later_error_) {
    const std::unique_ptr<Error> error = std::move(later_error_);
    return fail(*error);
  }
  if (state_ == State::starting && side_ == Side::downstream) {
    update_interest();
    on_connected();
  }
  if (early_.empty() || !reading_ || closed() || state_ == State::failed) return;
  const std::string bytes = early_.to_string();
  early_.clear();
  const std::span<char> into = receive_buffer();
  GATEWAY_CHECK(bytes.size() <= into.size());
  io_.unpoison_plain();
  std::memcpy(into.data(), bytes.data(), bytes.size());
  bytes_read_ += bytes.size();
  on_received({into.data(), bytes.size()});
}

void SocketTransport::on_events(int events) {
  if (state_ == State::connecting) return finish_connecting();
  if ((events & FdWatcher::kWritable) != 0 && !queue_.empty()) flush_queue();
  if ((events & FdWatcher::kReadable) != 0) read_ready();
}

void SocketTransport::read_ready() {
  for (int i = 0; i < kMostReads; ++i) {
    if (!reading_ || eof_ || (state_ != State::open && state_ != State::starting)) return;
    const std::span<char> into = receive_buffer();
    io_.unpoison_plain();
    const ssize_t count = receive(fd_, into);
    if (count > 0) {
      bytes_read_ += static_cast<std::uint64_t>(count);
      on_received({into.data(), static_cast<std::size_t>(count)});
      // A buffer that was not filled means that the socket is empty: no call to learn it.
      if (static_cast<std::size_t>(count) < into.size()) return;
      continue;
    }
    if (count == 0) return on_end_of_stream();
    if (would_block(errno)) return;
    return fail({lost_code(), side_, system_text("recv", errno)});
  }
}

ErrorCode SocketTransport::lost_code() const {
  return side_ == Side::downstream ? ErrorCode::client_closed : ErrorCode::upstream_reset;
}

void SocketTransport::send(std::span<const iovec> pieces) {
  if (fd_ < 0 || shut_) return;
  std::size_t taken = 0;
  if (queue_.empty()) {
    const ssize_t count =
        pieces.size() == 1 ? send_bytes(fd_, pieces[0]) : send_pieces(fd_, pieces);
    if (count < 0 && !would_block(errno))
      return fail_later({lost_code(), side_, system_text("send", errno)});
    if (count > 0) taken = static_cast<std::size_t>(count);
    bytes_written_ += taken;
    if (pieces.size() == 1 && taken == pieces[0].iov_len) return;
  }
  queue_rest(pieces, taken);
}

void SocketTransport::queue_rest(std::span<const iovec> pieces, std::size_t taken) {
  const bool was_empty = queue_.empty();
  for (const iovec& piece : pieces) {
    if (taken >= piece.iov_len) {
      taken -= piece.iov_len;
      continue;
    }
    queue_.append({static_cast<const char*>(piece.iov_base) + taken, piece.iov_len - taken});
    taken = 0;
  }
  if (was_empty && !queue_.empty()) update_interest();
}

void SocketTransport::flush_queue() {
  while (!queue_.empty()) {
    iovec pieces[kMostPieces];
    const auto filled = static_cast<std::size_t>(queue_.pieces(pieces, kMostPieces));
    const ssize_t count = send_pieces(fd_, {pieces, filled});
    if (count < 0) {
      if (would_block(errno)) return;
      return fail({lost_code(), side_, system_text("send", errno)});
    }
    bytes_written_ += static_cast<std::uint64_t>(count);
    queue_.consume(static_cast<std::size_t>(count));
  }
  update_interest();
  if (shutting_) finish_shutdown();
  if (state_ != State::open) return;
  in_upcall_ = true;
  owner_.on_transport_drained();
  in_upcall_ = false;
}

void SocketTransport::shutdown_write() {
  if (shutting_ || state_ != State::open) return;
  say_goodbye();
  shutting_ = true;
  if (queue_.empty()) finish_shutdown();
}

void SocketTransport::finish_shutdown() {
  if (shut_ || fd_ < 0) return;
  shut_ = true;
  ::shutdown(fd_, SHUT_WR);
}

// A peer that waits for more must be able to tell an end from a cut.
void SocketTransport::close() {
  if (state_ == State::closed) return;
  if (!queue_.empty()) return abort();
  if (state_ == State::open && !shutting_ && !eof_) say_goodbye();
  release();
}

void SocketTransport::abort() {
  if (state_ == State::closed) return;
  const linger at_once{1, 0};
  if (fd_ >= 0) ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  release();
}

void SocketTransport::release() {
  state_ = State::closed;
  deadline_.reset();
  later_.unlink();
  later_error_.reset();
  watcher_.close();
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
  queue_.clear();
  early_.clear();
}

void SocketTransport::read_stop() {
  reading_ = false;
  update_interest();
}

void SocketTransport::read_start() {
  reading_ = true;
  update_interest();
  if (!early_.empty()) loop_.defer(later_);
}

// Probes begin after a third of the time, so that several fit; the user timeout also bounds how
// long bytes that were sent may stay without an acknowledgement, where no probe is ever sent.
void SocketTransport::notice_loss(Duration within) {
  if (fd_ < 0) return;
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(within).count();
  const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(within).count();
  const auto set = [this](int level, int option, auto value) {
    const auto number = static_cast<int>(value);
    ::setsockopt(fd_, level, option, &number, sizeof number);
  };
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, std::max<std::int64_t>(1, seconds / 3));
  set(IPPROTO_TCP, TCP_KEEPINTVL, std::max<std::int64_t>(1, seconds / 6));
  set(IPPROTO_TCP, TCP_KEEPCNT, 3);
  set(IPPROTO_TCP, TCP_USER_TIMEOUT, milliseconds);
}

void SocketTransport::update_interest() {
  if (state_ != State::open && state_ != State::starting) return;
  const int read = reading_ && !eof_ ? FdWatcher::kReadable : 0;
  const int write = queue_.empty() ? 0 : FdWatcher::kWritable;
  watcher_.want(read | write);
}

void SocketTransport::tell_open() {
  state_ = State::open;
  deadline_.reset();
  in_upcall_ = true;
  owner_.on_transport_open();
  in_upcall_ = false;
}

void SocketTransport::deliver(std::string_view plain) {
  in_upcall_ = true;
  owner_.on_transport_read(plain);
  in_upcall_ = false;
  io_.poison_plain();
}

void SocketTransport::tell_eof() {
  eof_ = true;
  update_interest();
  in_upcall_ = true;
  owner_.on_transport_eof();
  in_upcall_ = false;
}

void SocketTransport::fail(const Error& error) {
  if (state_ == State::closed || state_ == State::failed) return;
  state_ = State::failed;
  deadline_.reset();
  watcher_.want(0);
  queue_.clear();
  in_upcall_ = true;
  owner_.on_transport_error(error);
  in_upcall_ = false;
}

void SocketTransport::refuse(const Error& error) {
  state_ = State::open;
  deadline_.reset();
  in_upcall_ = true;
  owner_.on_transport_error(error);
  in_upcall_ = false;
}

void SocketTransport::keep_unread(std::string_view bytes) {
  early_.append(bytes);
  bytes_read_ -= bytes.size();
}

void SocketTransport::fail_later(Error error) {
  if (later_error_) return;
  later_error_ = std::make_unique<Error>(std::move(error));
  queue_.clear();
  shut_ = true;
  watcher_.want(0);
  loop_.defer(later_);
}

void SocketTransport::arm_deadline(Duration timeout, ErrorCode code) {
  deadline_ = std::make_unique<Deadline>();
  deadline_->code = code;
  deadline_->timer.set(Callback<>::bind<&SocketTransport::on_deadline>(this));
  deadline_->timer.arm(loop_.timers(), timeout);
}

void SocketTransport::on_deadline() {
  const std::unique_ptr<Deadline> deadline = std::move(deadline_);
  const bool connecting = state_ == State::connecting;
  // Nothing of a request can have left before the transport was open.
  fail({deadline->code, side_, connecting ? "connecting took too long" : "handshake took too long",
        side_ == Side::upstream});
}

}  // namespace gateway::net
