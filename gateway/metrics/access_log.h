#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "gateway/base/result.h"
#include "gateway/metrics/access_record.h"
#include "gateway/metrics/cells.h"

namespace gateway {

enum class AccessLogFormat : std::uint8_t { json, text };

/// One worker's end of the access log: lines are formatted straight into a ring of bytes that the
/// writer thread empties. Never blocks, never allocates, makes no system call except one wake-up
/// when the ring is half full; a line that finds no room is dropped and counted.
class AccessLogShard {
 public:
  static constexpr std::size_t kCapacity = 1 << 20;
  /// No line is longer: fields are cut to fit.
  static constexpr std::size_t kLongestLine = 16 * 1024;

  /// False: the log is off, so the record need not even be filled.
  bool enabled() const { return enabled_.load(std::memory_order_relaxed); }
  void write(const AccessRecord& record);

 private:
  friend class AccessLog;
  AccessLogShard(ProcessCells& cells, int wake_fd);
  void publish(std::uint64_t end, std::size_t length);
  void rebase_clock(std::int64_t second);

  ProcessCells& cells_;
  const int wake_fd_;
  std::atomic<bool> enabled_{false};
  std::atomic<AccessLogFormat> format_{AccessLogFormat::json};
  std::unique_ptr<char[]> ring_;  // kCapacity, and room for one line to run over the end
  // "2026-11-21T04:17:04", of the monotonic second beside it; both clocks are compared once a
  // second.
  char timestamp_[20] = {};
  std::int64_t timestamp_second_ = -1;
  std::int64_t wall_offset_ = 0;  // nanoseconds from the monotonic clock to the wall clock
  alignas(64) std::atomic<std::uint64_t> written_{0};  // total bytes; the worker's
  std::uint64_t drained_seen_ = 0;
  alignas(64) std::atomic<std::uint64_t> drained_{0};  // the writer's
};

/// The access log of the process: one thread that writes what the workers put into their shards, to
/// standard output, a file, or nowhere. A full disk or a blocked pipe costs lines, never requests.
class AccessLog {
 public:
  struct Settings {
    std::string path = "off";  ///< "stdout", "off" or a file
    AccessLogFormat format = AccessLogFormat::json;
  };

  /// `cells` of the control thread count lines that could not be written.
  AccessLog();
  /// Writes what is there, for at most a second.
  ~AccessLog();
  AccessLog(const AccessLog&) = delete;
  AccessLog& operator=(const AccessLog&) = delete;

  /// A worker's end; before the worker starts. Lives as long as the log.
  AccessLogShard& add_shard(ProcessCells& cells);
  /// At start and after each reload. Fails, changing nothing, when the file cannot be opened.
  Result<void> apply(const Settings& settings);
  /// SIGUSR1: the file was moved away; opens it anew under its name. The old one stays when that
  /// fails.
  Result<void> reopen();
  /// Lines that were taken but could not be written (full disk, closed pipe).
  std::uint64_t lost_lines() const;
  /// Returns when all lines written to the shards before the call were given to the system; for
  /// tests.
  void flush();

 private:
  struct Writer;
  std::unique_ptr<Writer> writer_;
  std::vector<std::unique_ptr<AccessLogShard>> shards_;
  Settings settings_;
};

}  // namespace gateway
