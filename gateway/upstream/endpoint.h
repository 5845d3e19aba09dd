#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "gateway/base/address.h"
#include "gateway/base/clock.h"

namespace gateway::upstream {

/// One address:port of one upstream, as the whole process sees it: what workers learn about it from
/// its answers, what the control thread learns from its probes, and the requests that are on it
/// now. Outlives the endpoint sets that name it (EndpointRegistry). Every cell may be read and
/// written by any thread; the order between cells does not matter, each is a hint of its own.
///
/// Lifetime: a plain pointer is good while its holder also holds an endpoint set that names the
/// endpoint, an EndpointUse of it, or a connection that it counted.
class Endpoint {
 public:
  /// `host`: the name in the configuration that led here (SNI and verified name, unless
  /// configured); equal to the address when that is what was configured. `uid`: tells two owners of
  /// one address apart (a pod that took over another's address); empty for YAML and DNS.
  Endpoint(std::shared_ptr<const std::string> upstream, SocketAddress address, std::string host,
           std::string uid);
  Endpoint(std::string upstream, SocketAddress address, std::string host, std::string uid)
      : Endpoint(std::make_shared<const std::string>(std::move(upstream)), address, std::move(host),
                 std::move(uid)) {}
  Endpoint(const Endpoint&) = delete;
  Endpoint& operator=(const Endpoint&) = delete;

  const std::string& upstream() const { return *upstream_; }
  /// For another endpoint of the upstream: a thousand of them need its name once.
  const std::shared_ptr<const std::string>& shared_upstream() const { return upstream_; }
  const SocketAddress& address() const { return address_; }
  const std::string& host() const { return host_; }
  const std::string& uid() const { return uid_; }
  /// "10.0.0.1:8080", for logs and labels.
  const std::string& label() const { return label_; }

  /// Requests sent or about to be sent, over all workers.
  std::uint32_t in_flight() const { return in_flight_.load(std::memory_order_relaxed); }
  /// Connections, idle ones included. Kept by the pools.
  std::uint32_t connections() const { return connections_.load(std::memory_order_relaxed); }
  void connection_opened() { connections_.fetch_add(1, std::memory_order_relaxed); }
  void connection_closed() { connections_.fetch_sub(1, std::memory_order_release); }
  /// Neither requests nor connections; sees all that was done with the ones that ended.
  bool idle() const {
    return in_flight_.load(std::memory_order_acquire) == 0 &&
           connections_.load(std::memory_order_acquire) == 0;
  }

  /// Verdict of the active checks; true until they say otherwise.
  bool healthy() const { return healthy_.load(std::memory_order_relaxed); }
  /// Control thread. True when that was news; a recovery starts the slow start.
  bool set_healthy(bool healthy, Instant now);

  bool ejected(Instant now) const { return ejected_until() > now; }
  /// In the past, or the epoch, when not ejected.
  Instant ejected_until() const { return load(ejected_until_); }
  std::uint64_t ejections() const { return ejections_.load(std::memory_order_relaxed); }
  std::uint32_t consecutive_failures() const {
    return consecutive_failures_.load(std::memory_order_relaxed);
  }
  /// False after a connection could not be made, until one can.
  bool accepts_connections() const { return accepts_connections_.load(std::memory_order_relaxed); }
  void set_accepts_connections(bool accepts);

  /// Counts one more failure in a row; returns the new count.
  std::uint32_t count_failure();
  void count_success();
  /// Out until then. True for the one caller who made the change; prolonging is not a change.
  bool eject(Instant until, Instant now);
  /// Back in, with slow start. True for the one caller who made the change.
  bool recover(Instant now);
  /// When it was last ejected or taken back: a request sent before that says nothing about now.
  Instant changed_at() const { return load(changed_at_); }

  /// True for one caller per `interval` in the whole process: that one may send a trial request.
  bool claim_trial(Instant now, Duration interval);
  /// The trial was claimed but never made: the next one may claim it at once.
  void return_trial() { store(last_trial_, Instant()); }

  /// Share of its weight that it should carry now: rises from a tenth to 1 within `ramp` after it
  /// came (back).
  double warmth(Instant now, Duration ramp) const;
  void start_slowly(Instant now) { store(slow_start_since_, now); }

 private:
  friend class EndpointUse;
  using Cell = std::atomic<Instant::rep>;
  static Instant load(const Cell& cell) {
    return Instant(Duration(cell.load(std::memory_order_relaxed)));
  }
  static void store(Cell& cell, Instant instant) {
    cell.store(instant.time_since_epoch().count(), std::memory_order_relaxed);
  }

  const std::shared_ptr<const std::string> upstream_;
  const SocketAddress address_;
  const std::string host_;
  const std::string uid_;
  const std::string label_;
  std::atomic<bool> healthy_{true};
  std::atomic<bool> accepts_connections_{true};
  std::atomic<std::uint32_t> consecutive_failures_{0};
  std::atomic<std::uint64_t> ejections_{0};
  Cell ejected_until_{0};
  Cell changed_at_{0};
  Cell last_trial_{0};
  Cell slow_start_since_{0};
  // Written by every worker on every request: a cache line apart from what is mostly read.
  alignas(64) std::atomic<std::uint32_t> in_flight_{0};
  std::atomic<std::uint32_t> connections_{0};
};

/// A request on an endpoint, from the pick to the end of the attempt: counted in `in_flight` and
/// keeping the endpoint alive. Move-only; may die on another thread than it was born on.
class EndpointUse {
 public:
  EndpointUse() = default;
  explicit EndpointUse(Endpoint& endpoint) : endpoint_(&endpoint) {
    endpoint.in_flight_.fetch_add(1, std::memory_order_relaxed);
  }
  EndpointUse(EndpointUse&& other) noexcept : endpoint_(std::exchange(other.endpoint_, nullptr)) {}
  EndpointUse& operator=(EndpointUse&& other) noexcept {
    if (this != &other) {
      release();
      endpoint_ = std::exchange(other.endpoint_, nullptr);
    }
    return *this;
  }
  ~EndpointUse() { release(); }

  Endpoint* endpoint() const { return endpoint_; }
  void release() {
    // Release: whatever this thread did with the endpoint comes before the registry frees it.
    if (endpoint_ != nullptr) endpoint_->in_flight_.fetch_sub(1, std::memory_order_release);
    endpoint_ = nullptr;
  }

 private:
  Endpoint* endpoint_ = nullptr;
};

}  // namespace gateway::upstream
