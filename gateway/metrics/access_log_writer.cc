#include "gateway/metrics/access_log_writer.h"

#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

#include "gateway/base/check.h"

namespace gateway {
namespace {

constexpr int kLookMilliseconds = 100;
constexpr int kNoNextFd = -2;
constexpr auto kLastWords = std::chrono::seconds(1);
// A pipe that reports room takes this much without blocking and in one piece (POSIX PIPE_BUF).
constexpr std::size_t kPipePiece = 4096;

}  // namespace

AccessLogWriter::AccessLogWriter(ProcessCells& cells)
    : cells_(cells), wake_fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)), next_fd_(kNoNextFd) {
  GATEWAY_CHECK(wake_fd_ >= 0);
  thread_ = std::thread([this] { run(); });
}

AccessLogWriter::~AccessLogWriter() {
  deadline_ = std::chrono::steady_clock::now() + kLastWords;
  stopping_.store(true, std::memory_order_release);
  wake();
  thread_.join();
  const int waiting = next_fd_.load();
  if (waiting >= 0) close(waiting);
  if (fd_ >= 0) close(fd_);
  close(wake_fd_);
}

AccessLogShard& AccessLogWriter::add(std::unique_ptr<AccessLogShard> shard) {
  const std::lock_guard lock(mutex_);
  return *shards_.emplace_back(std::move(shard));
}

void AccessLogWriter::switch_to(int fd) {
  const int overtaken = next_fd_.exchange(fd);
  if (overtaken >= 0) close(overtaken);
  wake();
}

void AccessLogWriter::flush() {
  // The round that is under way may have passed a shard already: the next one has not.
  const std::uint64_t wanted = rounds_.load(std::memory_order_acquire) + 2;
  for (std::uint64_t seen; (seen = rounds_.load(std::memory_order_acquire)) < wanted;) {
    wake();
    rounds_.wait(seen, std::memory_order_acquire);
  }
}

void AccessLogWriter::wake() const { eventfd_write(wake_fd_, 1); }

void AccessLogWriter::run() {
  // Signals belong to the control thread.
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
  for (bool last = false; !last;) {
    pollfd wait{wake_fd_, POLLIN, 0};
    poll(&wait, 1, kLookMilliseconds);
    eventfd_t ignored;
    eventfd_read(wake_fd_, &ignored);
    last = stopping_.load(std::memory_order_acquire);
    // Copied: the lock must not be held while a pipe blocks.
    std::vector<AccessLogShard*> shards;
    for_each_shard([&shards](AccessLogShard& shard) { shards.push_back(&shard); });
    for (AccessLogShard* shard : shards) drain(*shard);
    take_next_fd();
    rounds_.fetch_add(1, std::memory_order_release);
    rounds_.notify_all();
  }
}

void AccessLogWriter::take_next_fd() {
  const int next = next_fd_.exchange(kNoNextFd);
  if (next == kNoNextFd) return;
  if (fd_ >= 0) close(fd_);
  fd_ = next;
  torn_ = false;
  struct stat about {};
  regular_file_ = fd_ >= 0 && fstat(fd_, &about) == 0 && S_ISREG(about.st_mode);
}

void AccessLogWriter::drain(AccessLogShard& shard) {
  constexpr std::uint64_t kCapacity = AccessLogShard::kCapacity;
  const std::uint64_t from = shard.drained_.load(std::memory_order_relaxed);
  const std::uint64_t to = shard.written_.load(std::memory_order_acquire);
  // A line that is seen here after a switch_to() must not go to the old place: look after reading.
  take_next_fd();
  if (from == to || fd_ < 0) return;
  const std::size_t first =
      static_cast<std::size_t>(std::min(to - from, kCapacity - from % kCapacity));
  const char* ring = shard.ring_.get();
  write_out({ring + from % kCapacity, first});
  write_out({ring, static_cast<std::size_t>(to - from) - first});
  shard.drained_.store(to, std::memory_order_release);
}

void AccessLogWriter::write_out(std::string_view bytes) {
  bool in_mid_line = torn_;
  while (!bytes.empty()) {
    if (!wait_until_writable()) return lose(bytes, in_mid_line);
    if (torn_ && ::write(fd_, "\n", 1) != 1) return lose(bytes, true);
    torn_ = false;
    const ssize_t count = ::write(fd_, bytes.data(), next_piece(bytes));
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (count <= 0) return lose(bytes, in_mid_line);
    in_mid_line = bytes[static_cast<std::size_t>(count) - 1] != '\n';
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
}

// Whole lines where they fit, so that others who write to the same pipe do not come in between.
std::size_t AccessLogWriter::next_piece(std::string_view bytes) const {
  if (regular_file_ || bytes.size() <= kPipePiece) return bytes.size();
  const std::size_t end = bytes.substr(0, kPipePiece).rfind('\n');
  return end == std::string_view::npos ? kPipePiece : end + 1;
}

bool AccessLogWriter::wait_until_writable() {
  if (regular_file_) return true;
  while (true) {
    pollfd wait{fd_, POLLOUT, 0};
    if (poll(&wait, 1, kLookMilliseconds) > 0) return (wait.revents & POLLOUT) != 0;
    if (out_of_time()) return false;
  }
}

bool AccessLogWriter::out_of_time() const {
  return stopping_.load(std::memory_order_acquire) && std::chrono::steady_clock::now() > deadline_;
}

void AccessLogWriter::lose(std::string_view rest, bool in_mid_line) {
  torn_ = in_mid_line;
  const auto lines = std::count(rest.begin(), rest.end(), '\n');
  cells_.log_lines_dropped.add(static_cast<std::uint64_t>(lines));
}

}  // namespace gateway
