#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <vector>

#include "gateway/metrics/access_record.h"

namespace gateway {

/// What is kept of an exchange that went wrong; long texts are cut.
struct RecentError {
  static constexpr std::size_t kText = 64;
  Instant started;
  std::int64_t took_nanoseconds = 0;
  std::int32_t status = 0;
  std::int32_t attempts = 0;
  // Each ends with a zero byte.
  std::array<char, 8> flag{};
  std::array<char, 8> method{};
  std::array<char, kText> route{};
  std::array<char, kText> path{};  ///< without the query
  std::array<char, kText> endpoint{};
  std::array<char, kText> request_id{};
};

/// The last errors of one worker, for people who watch. One writer, which never waits; a reader
/// that meets an entry being written leaves it out.
class RecentErrors {
 public:
  static constexpr std::size_t kKept = 32;

  /// For answers of 500 and above and for exchanges without an answer.
  void note(const AccessRecord& record);
  /// Any thread; in no order.
  void read_into(std::vector<RecentError>& all) const;

 private:
  static constexpr std::size_t kWords = (sizeof(RecentError) + 7) / 8;
  // A sequence lock: odd while the entry is being written. The words are atomics so that a read
  // that loses the race is merely useless.
  struct Entry {
    std::atomic<std::uint32_t> sequence{0};
    std::array<std::atomic<std::uint64_t>, kWords> words{};
  };
  std::array<Entry, kKept> entries_;
  std::size_t next_ = 0;
};

}  // namespace gateway
