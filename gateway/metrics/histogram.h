#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "gateway/base/clock.h"
#include "gateway/metrics/cell.h"

namespace gateway {

/// How long things took, in buckets of fixed bounds from 50 µs to a minute. One writer.
class Histogram {
 public:
  /// Upper bounds in nanoseconds, inclusive (Prometheus' `le`). Each is at least twice the one
  /// before: a power of two's range holds one bound at most, which makes the look-up two steps.
  static constexpr std::array<std::uint64_t, 20> kBounds = {
      50'000,        100'000,        250'000,        500'000,        1'000'000,
      2'500'000,     5'000'000,      10'000'000,     25'000'000,     50'000'000,
      100'000'000,   250'000'000,    500'000'000,    1'000'000'000,  2'500'000'000,
      5'000'000'000, 10'000'000'000, 30'000'000'000, 60'000'000'000, UINT64_MAX};
  static constexpr std::size_t kBuckets = kBounds.size();

  static std::size_t bucket_of(std::uint64_t nanoseconds) {
    const std::size_t first = kFirst[std::bit_width(nanoseconds)];
    return first + (nanoseconds > kBounds[first] ? 1 : 0);
  }

  void observe(Duration took) {
    const std::uint64_t nanoseconds =
        took.count() < 0 ? 0 : static_cast<std::uint64_t>(took.count());
    buckets_[bucket_of(nanoseconds)].add();
    sum_.add(nanoseconds);
  }

  /// How many fell into that bucket alone (not cumulative).
  std::uint64_t count_in(std::size_t bucket) const { return buckets_[bucket].value(); }
  std::uint64_t count() const {
    std::uint64_t total = 0;
    for (const Counter& bucket : buckets_) total += bucket.value();
    return total;
  }
  std::uint64_t sum_nanoseconds() const { return sum_.value(); }

  void merge(const Histogram& other) {
    for (std::size_t i = 0; i < kBuckets; ++i) buckets_[i].merge(other.buckets_[i]);
    sum_.merge(other.sum_);
  }

 private:
  // By bit width: the first bucket that a number of that width can fall into.
  static constexpr std::array<std::uint8_t, 65> kFirst = [] {
    std::array<std::uint8_t, 65> table{};
    for (unsigned width = 1; width <= 64; ++width) {
      const std::uint64_t smallest = std::uint64_t{1} << (width - 1);
      std::uint8_t bucket = 0;
      while (kBounds[bucket] < smallest) ++bucket;
      table[width] = bucket;
    }
    return table;
  }();

  std::array<Counter, kBuckets> buckets_;
  Counter sum_;
};

}  // namespace gateway
