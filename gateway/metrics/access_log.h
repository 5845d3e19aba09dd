#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "gateway/base/result.h"
#include "gateway/metrics/access_line.h"
#include "gateway/metrics/cells.h"
#include "gateway/metrics/wall_time.h"

namespace gateway {

/// One worker's end of the access log: lines are formatted straight into a ring of bytes that the
/// writer thread empties. Never blocks, never allocates, makes no system call except a wake-up each
/// half ring; a line that finds no room is dropped and counted.
class AccessLogShard {
 public:
  static constexpr std::size_t kCapacity = 1 << 20;

  /// False: the log is off, so the record need not even be filled.
  bool enabled() const { return enabled_.load(std::memory_order_relaxed); }
  void write(const AccessRecord& record);

 private:
  friend class AccessLog;
  friend class AccessLogWriter;
  AccessLogShard(ProcessCells& cells, int wake_fd);

  ProcessCells& cells_;
  const int wake_fd_;
  std::atomic<bool> enabled_{false};
  std::atomic<AccessLogFormat> format_{AccessLogFormat::json};
  // kCapacity, and room for the longest line to run over the end: it is then copied to the front.
  std::unique_ptr<char[]> ring_;
  WallTime wall_time_;
  std::uint64_t drained_seen_ = 0;
  std::uint64_t woken_at_ = 0;
  // Total bytes, never reset: the difference is what the ring holds.
  alignas(64) std::atomic<std::uint64_t> written_{0};  // the worker's
  alignas(64) std::atomic<std::uint64_t> drained_{0};  // the writer's
};

class AccessLogWriter;

/// The access log of the process: one thread that writes what the workers put into their shards, to
/// standard output, a file, or nowhere. A full disk or a blocked pipe costs lines, never requests.
/// Belongs to the control thread.
class AccessLog {
 public:
  struct Settings {
    std::string path = "off";  ///< "stdout", "off" or a file
    AccessLogFormat format = AccessLogFormat::json;
    bool operator==(const Settings&) const = default;
  };

  /// `writer_cells` (Registry::log_writer) count lines that were taken from a worker but could not
  /// be written: full disk, closed pipe.
  explicit AccessLog(ProcessCells& writer_cells);
  /// Writes what is there, for at most a second.
  ~AccessLog();
  AccessLog(const AccessLog&) = delete;
  AccessLog& operator=(const AccessLog&) = delete;

  /// A worker's end, made before the worker starts; lives as long as the log. `cells` are that
  /// worker's.
  AccessLogShard& add_shard(ProcessCells& cells);
  /// Whether a file of that name could be opened for writing by this process, here and now; leaves
  /// nothing behind. For --check and before a reload. Blocks on files.
  static Result<void> try_path(const std::string& path);
  /// At start and after each reload. Fails, changing nothing, when the file cannot be opened.
  Result<void> apply(const Settings& settings);
  /// SIGUSR1: the file was moved away; opens it anew under its name. The old one stays in use when
  /// that fails.
  Result<void> reopen();
  /// Waits until all lines that were in the shards before the call are written or lost.
  void flush();

 private:
  std::unique_ptr<AccessLogWriter> writer_;
  Settings settings_;
};

}  // namespace gateway
