#include "gateway/server/service.h"

#include <signal.h>

#include <cstdio>

#include "gateway/base/file.h"
#include "gateway/http/alpn.h"
#include "gateway/runtime/folder_watch.h"
#include "gateway/runtime/timer.h"

namespace gateway::server {
namespace {

constexpr Duration kIdlePoll = std::chrono::milliseconds(20);

}  // namespace

/// One thread's loop, listener and handler. All of it is used on that thread once it runs.
struct Service::Thread {
  EventLoop loop;
  net::TlsLibrary library;
  std::unique_ptr<downstream::Handler> handler;
  std::unique_ptr<LocalListener> listener;
  std::function<void()> drained;
  Timer poll{Callback<>::bind<&Thread::look>(this)};
  std::thread thread;

  void look() {
    if (!listener->idle()) return poll.arm(loop.timers(), kIdlePoll);
    if (drained) drained();
    drained = nullptr;
  }

  void run() {
    loop.run();
    poll.cancel();
    listener.reset();
    loop.run_once(Duration::zero());
    handler.reset();
    loop.run_once(Duration::zero());
  }
};

Service::Service(Options options) : options_(std::move(options)) {}

Service::~Service() = default;

Result<void> Service::open() {
  if (options_.listener.tls)
    if (auto loaded = load_certificates(); !loaded) return loaded;
  for (const SocketAddress& address : options_.listener.addresses) {
    auto opened = net::ListenSocket::open(address, options_.threads,
                                          static_cast<int>(options_.listener.backlog));
    if (!opened) return tl::make_unexpected(opened.error());
    bound_.push_back(opened->front()->address());
    sockets_.push_back(std::move(*opened));
  }
  if (!options_.probes) return {};
  auto opened = net::ListenSocket::open(options_.probes->addresses.front(), 1,
                                        static_cast<int>(options_.probes->backlog));
  if (!opened) return tl::make_unexpected(opened.error());
  probe_sockets_ = std::move(*opened);
  return {};
}

Result<void> Service::load_certificates() {
  std::vector<Error> problems;
  auto loaded = net::load_certificates(options_.listener.tls->certificates, store_,
                                       certificates_ ? &pairs_ : nullptr, &problems);
  for (const Error& problem : problems) std::fprintf(stderr, "%s\n", problem.detail.c_str());
  if (!loaded) return tl::make_unexpected(loaded.error());
  certificates_ = net::CertificateSet::make(loaded->in_order);
  pairs_ = std::move(loaded->by_path);
  return {};
}

Result<std::unique_ptr<net::ServerTlsContext>> Service::make_context(
    net::TlsLibrary& library, std::shared_ptr<const net::CertificateSet> certificates) const {
  return net::ServerTlsContext::make(library, *options_.listener.tls, options_.listener.name,
                                     std::move(certificates), tickets_, http::kAlpn);
}

std::vector<std::string> Service::tls_files() const {
  const config::ListenerTls& tls = *options_.listener.tls;
  std::vector<std::string> files;
  for (const config::CertificateSource& source : tls.certificates)
    files.insert(files.end(), {source.certificate, source.key});
  if (!tls.client_ca.empty()) files.push_back(tls.client_ca);
  return files;
}

net::Digest Service::client_ca_digest() const {
  return net::digest_of({read_file(options_.listener.tls->client_ca).value_or(std::string())});
}

void Service::renew_tls() {
  renew_certificates();
  if (!options_.listener.tls->client_ca.empty()) renew_client_ca();
}

void Service::renew_certificates() {
  if (auto loaded = load_certificates(); !loaded) {
    std::fprintf(stderr, "the certificates stay as they were: %s\n", loaded.error().detail.c_str());
    return;
  }
  for (auto& thread : threads_)
    thread->loop.post([&thread = *thread, certificates = certificates_] {
      if (thread.listener) thread.listener->use(certificates);
    });
}

// Whom to let in is part of a context, so a changed bundle makes a new one on each thread, for the
// handshakes that begin from then on. It is tried here first: all threads let in the same clients.
void Service::renew_client_ca() {
  const net::Digest digest = client_ca_digest();
  if (digest == client_ca_) return;
  net::TlsLibrary library;
  if (auto made = make_context(library, certificates_); !made) {
    std::fprintf(stderr, "the clients' authority stays as it was: %s\n",
                 made.error().detail.c_str());
    return;
  }
  client_ca_ = digest;
  for (auto& thread : threads_)
    thread->loop.post([this, &thread = *thread, certificates = certificates_] {
      auto made = make_context(thread.library, certificates);
      if (!made) return loop_.post([this] { renew_client_ca_again(); });
      if (thread.listener) thread.listener->use(std::move(*made));
    });
}

// A thread read the file while it was being written once more.
void Service::renew_client_ca_again() {
  client_ca_ = {};
  renew_client_ca();
}

Result<void> Service::make_threads(const MakeHandler& make_handler) {
  for (std::size_t i = 0; i < options_.threads; ++i) {
    auto thread = std::make_unique<Thread>();
    std::unique_ptr<net::ServerTlsContext> tls;
    if (certificates_) {
      auto made = make_context(thread->library, certificates_);
      if (!made) return tl::make_unexpected(made.error());
      tls = std::move(*made);
    }
    std::vector<std::shared_ptr<net::ListenSocket>> mine;
    for (auto& sockets : sockets_) mine.push_back(std::move(sockets[i]));
    thread->handler = make_handler(thread->loop);
    thread->listener = std::make_unique<LocalListener>(
        thread->loop, options_.listener, *thread->handler, std::move(mine), std::move(tls));
    threads_.push_back(std::move(thread));
  }
  return {};
}

int Service::run(const MakeHandler& make_handler, downstream::Handler* probes) {
  timer_.set(Callback<>::bind<&Service::begin_closing>(this));
  if (certificates_) client_ca_ = client_ca_digest();
  if (auto made = make_threads(make_handler); !made) {
    std::fprintf(stderr, "%s\n", made.error().detail.c_str());
    return 1;
  }
  if (!probe_sockets_.empty())
    probes_ = std::make_unique<LocalListener>(loop_, *options_.probes, *probes,
                                              std::move(probe_sockets_), nullptr);
  Signals signals(loop_, {SIGTERM, SIGINT}, [this](int number) { on_signal(number); });
  for (auto& thread : threads_) thread->thread = std::thread([&thread = *thread] { thread.run(); });
  FolderWatch watch(loop_, [this] { renew_tls(); });
  if (certificates_) {
    watch.watch(tls_files());
    renew_tls();  // what changed between reading and watching
  }
  loop_.run();
  for (auto& thread : threads_) thread->loop.stop();
  for (auto& thread : threads_) thread->thread.join();
  probes_.reset();
  loop_.run_once(Duration::zero());
  return 0;
}

void Service::on_signal(int) {
  if (draining_.exchange(true)) return loop_.stop();
  for (auto& thread : threads_)
    thread->loop.post([&thread = *thread] { thread.listener->state().draining = true; });
  timer_.arm(loop_.timers(), options_.drain.delay);
}

void Service::begin_closing() {
  if (closing_) return loop_.stop();
  closing_ = true;
  busy_ = threads_.size();
  for (auto& thread : threads_) {
    thread->drained = [this] {
      loop_.post([this] {
        if (--busy_ == 0) loop_.stop();
      });
    };
    thread->loop.post([&thread = *thread] {
      thread.listener->drain();
      thread.look();
    });
  }
  timer_.arm(loop_.timers(), options_.drain.deadline);
}

}  // namespace gateway::server
