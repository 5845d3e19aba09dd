#include "gateway/net/acceptor.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "gateway/net/proxy_protocol.h"

namespace gateway::net {
namespace {

constexpr int kMostPerWakeUp = 32;
constexpr Duration kRest = std::chrono::milliseconds(200);
constexpr Duration kGreetingTimeout = std::chrono::seconds(5);

SocketAddress local_of(int fd) {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &length);
  return SocketAddress::from_sockaddr(reinterpret_cast<const sockaddr*>(&storage));
}

}  // namespace

/// A connection whose PROXY header is still being read.
class Acceptor::Greeting final : public Disposable, public ListHook<Greeting> {
 public:
  Greeting(Acceptor& acceptor, AcceptedConnection connection)
      : acceptor_(acceptor),
        connection_(std::move(connection)),
        timer_(Callback<>::bind<&Greeting::give_up>(this)) {
    const bool watched = watcher_.open(acceptor_.loop_, connection_.fd,
                                       Callback<int>::bind<&Greeting::on_readable>(this));
    watcher_.want(FdWatcher::kReadable);
    timer_.arm(acceptor_.loop_.timers(), watched ? kGreetingTimeout : Duration::zero());
  }

  void give_up() {
    watcher_.close();
    ::close(connection_.fd);
    end();
  }

 private:
  void on_readable(int) {
    char bytes[kMaxProxyHeader];
    const ssize_t count = ::recv(connection_.fd, bytes, sizeof bytes, 0);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (count <= 0) return give_up();
    read_.append(bytes, static_cast<std::size_t>(count));
    auto header = parse_proxy_header(read_);
    if (!header) {
      acceptor_.count_refused();
      return give_up();
    }
    if (!*header) return;
    watcher_.close();
    if (!(*header)->local) {
      connection_.peer = (*header)->source;
      connection_.local = (*header)->destination;
      connection_.from_proxy_protocol = true;
    }
    connection_.early = read_.substr((*header)->length);
    acceptor_.accepted_(connection_);
    end();
  }

  void end() {
    timer_.cancel();
    ListHook<Greeting>::unlink();
    acceptor_.loop_.free_later(this);
  }

  Acceptor& acceptor_;
  AcceptedConnection connection_;
  std::string read_;
  FdWatcher watcher_;
  Timer timer_;
};

Acceptor::Acceptor(EventLoop& loop, int socket, Accepted accepted)
    : loop_(loop),
      socket_(socket),
      accepted_(std::move(accepted)),
      rest_timer_(Callback<>::bind<&Acceptor::on_rested>(this)),
      local_(local_of(socket)) {
  const std::string_view bytes = local_.ip().bytes();
  local_is_any_ = std::all_of(bytes.begin(), bytes.end(), [](char c) { return c == 0; });
  GATEWAY_CHECK(watcher_.open(loop_, socket_, Callback<int>::bind<&Acceptor::on_events>(this)));
  watcher_.want(FdWatcher::kReadable);
}

Acceptor::~Acceptor() {
  while (Greeting* greeting = greetings_.front()) greeting->give_up();
}

void Acceptor::configure(const config::Listener& listener, const std::atomic<std::uint32_t>* open) {
  proxy_protocol_from_ = listener.proxy_protocol_from;
  max_connections_ = listener.max_connections;
  open_ = open;
}

void Acceptor::on_events(int) {
  for (int i = 0; i < kMostPerWakeUp && watcher_.is_open(); ++i)
    if (!accept_one()) return;
}

bool Acceptor::accept_one() {
  sockaddr_storage storage;
  socklen_t length = sizeof storage;
  const int fd = ::accept4(socket_, reinterpret_cast<sockaddr*>(&storage), &length,
                           SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd >= 0) {
    hand_over(fd, SocketAddress::from_sockaddr(reinterpret_cast<const sockaddr*>(&storage)));
    return true;
  }
  if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) rest();
  // The others say that this one connection died in the queue (accept(2)).
  return errno == ECONNABORTED || errno == EINTR || errno == EPROTO;
}

void Acceptor::count_refused() {
  ++refused_;
  if (refused_cell_ != nullptr) refused_cell_->add();
}

void Acceptor::hand_over(int fd, const SocketAddress& peer) {
  if (max_connections_ != 0 && open_ != nullptr &&
      open_->load(std::memory_order_relaxed) >= max_connections_) {
    count_refused();
    ::close(fd);
    return;
  }
  AcceptedConnection connection;
  connection.fd = fd;
  connection.peer = peer;
  connection.local = local_is_any_ ? local_of(fd) : local_;
  if (!proxy_protocol_from_.empty() && contains(proxy_protocol_from_, peer.ip())) {
    greetings_.push_back(*new Greeting(*this, std::move(connection)));
    return;
  }
  accepted_(connection);
}

void Acceptor::rest() {
  watcher_.want(0);
  rest_timer_.arm(loop_.timers(), kRest);
}

void Acceptor::on_rested() { watcher_.want(FdWatcher::kReadable); }

void Acceptor::drain_and_close() {
  while (watcher_.is_open() && accept_one()) {
  }
  close();
}

void Acceptor::close() {
  watcher_.close();
  rest_timer_.cancel();
}

}  // namespace gateway::net
