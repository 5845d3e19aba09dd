#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

namespace gateway::upstream {

/// A process-wide bound: how many are taken now, over all workers. The bound itself comes with each
/// call, because it is configuration. Any thread.
class Bound {
 public:
  std::uint32_t taken() const { return taken_.load(std::memory_order_relaxed); }
  /// `limit` 0: unlimited, but counted. False when it is full; then nothing is taken.
  bool try_take(std::uint32_t limit);
  void give_back() { taken_.fetch_sub(1, std::memory_order_relaxed); }

 private:
  std::atomic<std::uint32_t> taken_{0};
};

/// A place taken under a Bound; gives it back when it dies. Move-only; the bound must outlive it.
class Place {
 public:
  Place() = default;
  /// Empty (false) when the bound is full.
  static Place take(Bound& bound, std::uint32_t limit) {
    return bound.try_take(limit) ? Place(&bound) : Place();
  }
  Place(Place&& other) noexcept : bound_(std::exchange(other.bound_, nullptr)) {}
  Place& operator=(Place&& other) noexcept {
    if (this != &other) {
      release();
      bound_ = std::exchange(other.bound_, nullptr);
    }
    return *this;
  }
  ~Place() { release(); }

  explicit operator bool() const { return bound_ != nullptr; }
  void release() {
    if (bound_ != nullptr) bound_->give_back();
    bound_ = nullptr;
  }

 private:
  explicit Place(Bound* bound) : bound_(bound) {}
  Bound* bound_ = nullptr;
};

/// What all workers together have on one upstream (config::UpstreamLimits). Lives as long as
/// anything of the upstream does: endpoint sets hold it.
struct UpstreamLoad {
  alignas(64) Bound connections;
  alignas(64) Bound requests;
  Bound waiting;
};

}  // namespace gateway::upstream
