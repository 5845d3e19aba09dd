#pragma once

#include <poll.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>
#include <thread>
#include <vector>

#include "gateway/metrics/access_log.h"

namespace gateway {

/// The thread behind AccessLog. Looks into the shards ten times a second, or when one is half full.
class AccessLogWriter {
 public:
  explicit AccessLogWriter(ProcessCells& cells);
  ~AccessLogWriter();

  int wake_fd() const { return wake_fd_; }
  AccessLogShard& add(std::unique_ptr<AccessLogShard> shard);
  template <typename Visit>
  void for_each_shard(Visit visit) {
    const std::lock_guard lock(mutex_);
    for (const auto& shard : shards_) visit(*shard);
  }
  /// Lines written to a shard after this call go there; -1: none may come. Takes ownership.
  void switch_to(int fd);
  void flush();

 private:
  void run();
  void wake() const;
  void drain(AccessLogShard& shard);
  void write_out(std::string_view bytes);
  std::size_t next_piece(std::string_view bytes) const;
  bool wait_until_writable();
  bool out_of_time() const;
  void lose(std::string_view rest, bool in_mid_line);
  void take_next_fd();

  ProcessCells& cells_;
  const int wake_fd_;
  int fd_ = -1;
  bool regular_file_ = false;
  bool torn_ = false;  // the last line in the file has no end
  std::atomic<int> next_fd_;
  std::atomic<bool> stopping_{false};
  std::chrono::steady_clock::time_point deadline_{};  // written before stopping_
  std::atomic<std::uint64_t> rounds_{0};
  std::mutex mutex_;  // shards_ only; workers never take it
  std::vector<std::unique_ptr<AccessLogShard>> shards_;
  std::thread thread_;
};

}  // namespace gateway
