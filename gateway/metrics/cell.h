#pragma once

#include <atomic>
#include <cstdint>

namespace gateway {

/// A number that goes up. Exactly one thread writes it, any thread may read: a relaxed load and
/// store instead of a locked read-modify-write, which would cost ten times as much.
class Counter {
 public:
  void add(std::uint64_t count = 1) {
    value_.store(value_.load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
  }
  std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }
  void merge(const Counter& other) { add(other.value()); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

/// A number that goes up and down; one writer, as Counter. The sum over workers is what is shown,
/// so a gauge that describes the process is set by one thread alone.
class Gauge {
 public:
  void add(std::int64_t count = 1) { set(value() + count); }
  void sub(std::int64_t count = 1) { set(value() - count); }
  void set(std::int64_t value) { value_.store(value, std::memory_order_relaxed); }
  std::int64_t value() const { return value_.load(std::memory_order_relaxed); }
  void merge(const Gauge& other) { add(other.value()); }

 private:
  std::atomic<std::int64_t> value_{0};
};

}  // namespace gateway
