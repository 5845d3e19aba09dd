#include "gateway/net/resolver.h"

#include <ares.h>
#include <netdb.h>

#include <algorithm>
#include <limits>
#include <set>
#include <utility>

#include "gateway/base/check.h"

namespace gateway::net {
namespace {

std::filesystem::file_time_type time_of(const std::string& file) {
  std::error_code ignored;
  return std::filesystem::last_write_time(file, ignored);
}

}  // namespace

/// One name. While c-ares is at work on it, it lives on even if nobody wants it any more.
struct Resolver::Query {
  Resolver& resolver;
  std::string name;
  Timer again;
  Duration retry = kRetryFirst;
  int failure = ARES_SUCCESS;  ///< what was told last
  bool asking = false;
  bool wanted = true;

  Query(Resolver& owner, std::string text) : resolver(owner), name(std::move(text)) {
    again.set(Callback<>::bind<&Query::ask>(this));
  }
  void ask() { resolver.ask(*this); }
};

struct Resolver::Socket : Disposable {
  Resolver& resolver;
  int fd;
  FdWatcher watcher;

  Socket(Resolver& owner, int descriptor) : resolver(owner), fd(descriptor) {
    // Unwatched it hears nothing, and the query ends at its timeout.
    static_cast<void>(watcher.open(owner.loop_, fd, Callback<int>::bind<&Socket::on_events>(this)));
  }
  void on_events(int events) { resolver.process(fd, events); }
};

Resolver::Resolver(EventLoop& loop, Answered answered, Failed failed)
    : Resolver(loop, std::move(answered), std::move(failed), Options()) {}

Resolver::Resolver(EventLoop& loop, Answered answered, Failed failed, const Options& options)
    : loop_(loop),
      answered_(std::move(answered)),
      failed_(std::move(failed)),
      options_(options),
      timeout_(Callback<>::bind<&Resolver::on_timeout>(this)) {
  GATEWAY_CHECK(ares_library_init(ARES_LIB_INIT_ALL) == ARES_SUCCESS);
  configured_ = time_of(options_.configuration);
  channel_ = open_channel();
  GATEWAY_CHECK(channel_ != nullptr);
}

Resolver::Channel Resolver::open_channel() {
  ares_options settings{};
  settings.sock_state_cb = [](void* self, ares_socket_t fd, int readable, int writable) {
    static_cast<Resolver*>(self)->on_socket(fd, readable != 0, writable != 0);
  };
  settings.sock_state_cb_data = this;
  settings.timeout = static_cast<int>(
      std::chrono::duration_cast<std::chrono::milliseconds>(options_.timeout).count());
  settings.tries = 2;
  settings.udp_port = settings.tcp_port = options_.port;
  std::string path = options_.configuration;
  settings.resolvconf_path = path.data();  // c-ares copies it
  int mask = ARES_OPT_SOCK_STATE_CB | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_UDP_PORT |
             ARES_OPT_TCP_PORT | ARES_OPT_RESOLVCONF;
#ifdef ARES_OPT_QUERY_CACHE
  // From 1.31 on c-ares would answer from memory until an answer's time to live is over.
  settings.qcache_max_ttl = 0;
  mask |= ARES_OPT_QUERY_CACHE;
#endif
  Channel channel = nullptr;
  if (ares_init_options(&channel, &settings, mask) != ARES_SUCCESS) return nullptr;
  if (!options_.servers.empty())
    GATEWAY_CHECK(ares_set_servers_ports_csv(channel, options_.servers.c_str()) == ARES_SUCCESS);
  return channel;
}

// c-ares 1.18 reads the file when a channel is made, and at no other time. Questions that are open
// end with the old channel and are asked again.
void Resolver::follow_configuration() {
  const auto time = time_of(options_.configuration);
  if (time == configured_) return;
  const Channel fresh = open_channel();
  if (fresh == nullptr) return;
  configured_ = time;
  ares_destroy(std::exchange(channel_, fresh));
}

Resolver::~Resolver() {
  for (auto& [name, query] : queries_) {
    query->wanted = false;
    query->again.cancel();
  }
  ares_destroy(channel_);
  sockets_.clear();
  ares_library_cleanup();
}

void Resolver::keep(const std::vector<std::string>& names) {
  const std::set<std::string> wanted(names.begin(), names.end());
  for (auto it = queries_.begin(); it != queries_.end();) {
    Query& query = *it->second;
    query.wanted = wanted.contains(it->first);
    if (!query.wanted) query.again.cancel();
    if (query.wanted || query.asking)
      ++it;
    else
      it = queries_.erase(it);
  }
  for (const std::string& name : wanted) {
    auto& query = queries_[name];
    if (query == nullptr) query = std::make_unique<Query>(*this, name);
    if (query->asking || query->again.armed()) continue;
    // Later, so that nobody is called back from inside this call (/etc/hosts answers at once).
    query->again.arm(loop_.timers(), Duration::zero());
  }
}

void Resolver::ask(Query& query) {
  follow_configuration();
  query.asking = true;
  ares_addrinfo_hints hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_flags = ARES_AI_NOSORT;
  ares_getaddrinfo(
      channel_, query.name.c_str(), nullptr, &hints,
      [](void* asked, int status, int, ares_addrinfo* list) {
        auto& of = *static_cast<Query*>(asked);
        of.resolver.on_answer(of, status, list);
      },
      &query);
  rearm_timeout();
}

void Resolver::on_answer(Query& query, int status, ares_addrinfo* list) {
  query.asking = false;
  if (status == ARES_EDESTRUCTION && query.wanted)
    return query.again.arm(loop_.timers(), Duration::zero());
  std::vector<IpAddress> addresses;
  int ttl = std::numeric_limits<int>::max();
  for (ares_addrinfo_node* node = list == nullptr ? nullptr : list->nodes; node != nullptr;
       node = node->ai_next) {
    addresses.push_back(IpAddress::from_sockaddr(node->ai_addr));
    // /etc/hosts has no time to live and says 0; it is read again each time.
    ttl = std::min(ttl, node->ai_ttl);
  }
  if (list != nullptr) ares_freeaddrinfo(list);
  if (!query.wanted) {
    queries_.erase(query.name);
    return;
  }
  std::ranges::sort(addresses);
  addresses.erase(std::unique(addresses.begin(), addresses.end()), addresses.end());
  if (addresses.empty()) {
    query.again.arm(loop_.timers(), query.retry);
    query.retry = std::min(query.retry * 2, kRetryMost);
    // No address and yet no error: the name is known, but has neither A nor AAAA.
    if (status == ARES_SUCCESS) status = ARES_ENODATA;
    if (std::exchange(query.failure, status) != status && failed_)
      failed_(query.name, {ErrorCode::not_found, Side::upstream, ares_strerror(status)});
    return;
  }
  query.failure = ARES_SUCCESS;
  query.retry = kRetryFirst;
  query.again.arm(loop_.timers(),
                  std::clamp<Duration>(std::chrono::seconds(ttl), kShortest, options_.longest));
  answered_(query.name, std::move(addresses));
}

void Resolver::on_socket(int fd, bool readable, bool writable) {
  auto& socket = sockets_[fd];
  if (!readable && !writable) {
    // c-ares closes the descriptor after this; the watcher may be on the stack.
    if (socket == nullptr) return;
    socket->watcher.close();
    loop_.free_later(socket.release());
    sockets_.erase(fd);
    return;
  }
  if (socket == nullptr) socket = std::make_unique<Socket>(*this, fd);
  socket->watcher.want((readable ? FdWatcher::kReadable : 0) |
                       (writable ? FdWatcher::kWritable : 0));
}

void Resolver::process(int fd, int events) {
  ares_process_fd(channel_, (events & FdWatcher::kReadable) != 0 ? fd : ARES_SOCKET_BAD,
                  (events & FdWatcher::kWritable) != 0 ? fd : ARES_SOCKET_BAD);
  rearm_timeout();
}

void Resolver::rearm_timeout() {
  timeval wait{};
  if (ares_timeout(channel_, nullptr, &wait) == nullptr) return timeout_.cancel();
  timeout_.arm(loop_.timers(),
               std::chrono::seconds(wait.tv_sec) + std::chrono::microseconds(wait.tv_usec));
}

void Resolver::on_timeout() {
  follow_configuration();
  ares_process_fd(channel_, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
  rearm_timeout();
}

}  // namespace gateway::net
