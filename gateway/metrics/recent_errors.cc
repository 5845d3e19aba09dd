#include "gateway/metrics/recent_errors.h"

#include <algorithm>
#include <cstring>
#include <type_traits>

namespace gateway {
namespace {

static_assert(std::is_trivially_copyable_v<RecentError>);

template <std::size_t N>
void cut(std::array<char, N>& to, std::string_view text) {
  std::copy_n(text.begin(), std::min(text.size(), N - 1), to.begin());
}

RecentError describe_record(const AccessRecord& record) {
  RecentError error;
  error.started = record.started;
  error.took_nanoseconds = record.took.count();
  error.status = record.status;
  error.attempts = record.attempts;
  cut(error.flag, record.flag);
  cut(error.method, record.method);
  cut(error.route, record.route);
  cut(error.path, record.path);
  cut(error.endpoint, record.endpoint);
  cut(error.request_id, record.request_id);
  return error;
}

}  // namespace

void RecentErrors::note(const AccessRecord& record) {
  const RecentError error = describe_record(record);
  std::array<std::uint64_t, kWords> words{};
  std::memcpy(words.data(), &error, sizeof error);
  Entry& entry = entries_[next_];
  next_ = (next_ + 1) % kKept;
  const std::uint32_t sequence = entry.sequence.load(std::memory_order_relaxed);
  entry.sequence.store(sequence + 1, std::memory_order_relaxed);
  // Stores of words, each releasing, stay behind the odd number; the even one stays behind them.
  for (std::size_t i = 0; i < kWords; ++i)
    entry.words[i].store(words[i], std::memory_order_release);
  entry.sequence.store(sequence + 2, std::memory_order_release);
}

void RecentErrors::read_into(std::vector<RecentError>& all) const {
  for (const Entry& entry : entries_) {
    const std::uint32_t before = entry.sequence.load(std::memory_order_acquire);
    if (before == 0 || before % 2 == 1) continue;
    std::array<std::uint64_t, kWords> words{};
    for (std::size_t i = 0; i < kWords; ++i)
      words[i] = entry.words[i].load(std::memory_order_acquire);
    if (entry.sequence.load(std::memory_order_relaxed) != before) continue;
    RecentError error;
    std::memcpy(static_cast<void*>(&error), words.data(), sizeof error);
    all.push_back(error);
  }
}

}  // namespace gateway
