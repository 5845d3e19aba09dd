#include "bench/floors/relay.h"

#include <unistd.h>

#include <optional>
#include <string_view>

#include "bench/common/socket.h"

namespace bench {
namespace {

constexpr size_t kBuffer = 256 * 1024;

}  // namespace

// One descriptor with what could not be written to it yet. A parked backend has no link.
struct Side : Watched {
  Side(EventLoop& loop, int descriptor) : fd(descriptor) { loop.add(fd, this); }
  ~Side() override {
    if (fd >= 0) close(fd);
  }
  void on_ready(uint32_t) override;

  bool send(std::string_view bytes) {
    if (!unsent.empty()) {
      unsent.append(bytes);
      return true;
    }
    const Transfer sent = write_all(fd, bytes.data(), bytes.size());
    if (sent.io == Io::kAgain) unsent.assign(bytes.substr(sent.bytes));
    return sent.io != Io::kClosed;
  }
  bool flush() {
    if (unsent.empty()) return true;
    const Transfer sent = write_all(fd, unsent.data(), unsent.size());
    unsent.erase(0, sent.bytes);
    return sent.io != Io::kClosed;
  }

  int fd;
  Link* link = nullptr;
  bool readable = false;
  std::string unsent;
};

// A client and its backend connection.
class Link : public Watched {
 public:
  Link(Relay& relay, int client) : relay_(relay), client_(relay.loop_, client) {
    client_.link = this;
    if (relay.context_) tls_.emplace(relay.tls_, relay.context_.get(), true);
  }

  void on_ready(uint32_t) override {}
  void on_side_ready(Side& side) {
    if (dead_) return;
    side.readable = true;
    if (!side.flush() || !move_client_bytes() || !move_backend_bytes()) finish();
  }

  bool move_client_bytes() {
    char* buffer = relay_.received_.get();
    while (client_.readable && (!backend_ || backend_->unsent.empty())) {
      const Transfer got = read_some(client_.fd, buffer, kBuffer);
      if (got.io == Io::kClosed) return false;
      client_.readable = got.bytes == kBuffer;
      if (got.bytes != 0 &&
          !(tls_ ? decrypt({buffer, got.bytes}) : to_backend({buffer, got.bytes})))
        return false;
    }
    return true;
  }

  bool decrypt(std::string_view received) {
    tls_->feed(received);
    while (const size_t n = tls_->read(relay_.plain_.get(), kBuffer)) {
      if (!to_backend({relay_.plain_.get(), n})) return false;
      if (tls_->drained()) break;
    }
    return !tls_->failed() && !tls_->ended() && flush_records();
  }

  bool flush_records() {
    std::string& output = relay_.tls_.output();
    const bool sent = output.empty() || client_.send(output);
    output.clear();
    return sent;
  }

  bool to_backend(std::string_view bytes) {
    auto& idle = relay_.idle_backends_;
    if (!backend_ && idle.empty()) {
      backend_ = std::make_unique<Side>(relay_.loop_, connect_tcp(relay_.options_.backend_port));
    } else if (!backend_) {
      backend_ = std::move(idle.back());
      idle.pop_back();
    }
    backend_->link = this;
    return backend_->send(bytes);
  }

  bool move_backend_bytes() {
    char* buffer = relay_.received_.get();
    while (backend_ && backend_->readable && client_.unsent.empty()) {
      const Transfer got = read_some(backend_->fd, buffer, kBuffer);
      if (got.io == Io::kClosed) return false;
      backend_->readable = got.bytes == kBuffer;
      if (got.bytes == 0) return true;
      const bool sent = tls_ ? tls_->write({buffer, got.bytes}) && flush_records()
                             : client_.send({buffer, got.bytes});
      if (!sent) return false;
    }
    return true;
  }

  void finish() {
    if (tls_) tls_->shut_down();
    if (tls_) flush_records();
    if (backend_) {
      backend_->link = nullptr;
      relay_.idle_backends_.push_back(std::move(backend_));
    }
    dead_ = true;
    relay_.loop_.doom(std::unique_ptr<Watched>(this));
  }

  Relay& relay_;
  std::optional<TlsStream> tls_;
  Side client_;
  std::unique_ptr<Side> backend_;
  bool dead_ = false;
};

void Side::on_ready(uint32_t) {
  if (link != nullptr) link->on_side_ready(*this);
}

Relay::Relay(const RelayOptions& options)
    : options_(options),
      received_(std::make_unique<char[]>(kBuffer)),
      plain_(std::make_unique<char[]>(kBuffer)),
      listener_(listen_tcp(options.port, options.share_port)) {
  if (!options_.certificate.empty()) {
    context_ = tls_.server_context(options_.certificate, options_.key);
  }
  loop_.add(listener_, this);
}

Relay::~Relay() { close(listener_); }

void Relay::run() {
  while (true) loop_.turn(-1);
}

void Relay::on_ready(uint32_t) {
  for (int fd = accept_tcp(listener_); fd >= 0; fd = accept_tcp(listener_)) {
    new Link(*this, fd);  // owns itself until its client leaves
  }
}

}  // namespace bench
