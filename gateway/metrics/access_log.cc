#include "gateway/metrics/access_log.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "gateway/metrics/access_log_writer.h"

namespace gateway {
namespace {

tl::unexpected<Error> cannot_open(const std::string& path, int error, std::string_view mend) {
  std::string detail = "access log " + path + ": " + std::strerror(error);
  if (!mend.empty()) detail.append(" (").append(mend).append(")");
  return failure(error == EACCES ? ErrorCode::permission_denied : ErrorCode::io_error,
                 Side::internal, std::move(detail));
}

// What to do about it, where the system's word for it does not say.
std::string mend_of(int error, const std::filesystem::path& path) {
  std::string folder = path.parent_path().string();
  if (folder.empty()) folder = ".";
  const std::string user = "user " + std::to_string(geteuid());
  if (error == ENOENT || error == ENOTDIR) return "make the folder " + folder;
  if (error == EISDIR) return "name a file in it";
  if (error == EACCES) return "let " + user + " write it, and search " + folder;
  if (error == EROFS) return "name a file on a file system that can be written";
  return {};
}

Result<int> open_target(const std::string& path) {
  if (path == "off") return -1;
  // A descriptor of our own, so that the writer may close whatever it is given.
  const int fd = path == "stdout"
                     ? fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3)
                     : open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
  if (fd >= 0) return fd;
  const int error = errno;
  return cannot_open(path, error, mend_of(error, path));
}

// A file that is there is opened and left as it is; without O_NONBLOCK a pipe that nobody reads
// would be waited for, and to find no reader there now (ENXIO) is no fault of the path.
int try_existing(const std::string& path) {
  const int fd = open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC | O_NONBLOCK);
  if (fd >= 0) {
    close(fd);
    return 0;
  }
  const int error = errno;
  std::error_code ignored;
  return error == ENXIO && std::filesystem::is_fifo(path, ignored) ? 0 : error;
}

// A name that is free: whether its folder takes a file from this process, without making one.
int try_folder(const std::filesystem::path& path) {
  const std::filesystem::path folder = path.parent_path();
  const char* name = folder.empty() ? "." : folder.c_str();
  struct stat about {};
  if (stat(name, &about) != 0) return errno;
  if (!S_ISDIR(about.st_mode)) return ENOTDIR;
  if (path.filename().empty()) return EISDIR;
  return faccessat(AT_FDCWD, name, W_OK | X_OK, AT_EACCESS) == 0 ? 0 : errno;
}

}  // namespace

AccessLogShard::AccessLogShard(ProcessCells& cells, int wake_fd)
    : cells_(cells), wake_fd_(wake_fd), ring_(new char[kCapacity + kLongestAccessLine]) {}

void AccessLogShard::write(const AccessRecord& record) {
  const std::uint64_t begin = written_.load(std::memory_order_relaxed);
  if (begin + kLongestAccessLine - drained_seen_ > kCapacity) {
    drained_seen_ = drained_.load(std::memory_order_acquire);
    if (begin + kLongestAccessLine - drained_seen_ > kCapacity)
      return cells_.log_lines_dropped.add();
  }
  char* const out = ring_.get() + begin % kCapacity;
  const WallTime::Text time = wall_time_.at(record.started);
  const std::size_t length = format_access_line(format_.load(std::memory_order_relaxed), record,
                                                time.second, time.milliseconds, out);
  const std::size_t room = kCapacity - begin % kCapacity;
  if (length > room) std::memcpy(ring_.get(), out + room, length - room);
  written_.store(begin + length, std::memory_order_release);
  cells_.log_lines.add();
  if (begin + length - woken_at_ >= kCapacity / 2) {
    woken_at_ = begin + length;
    eventfd_write(wake_fd_, 1);
  }
}

AccessLog::AccessLog(ProcessCells& writer_cells)
    : writer_(std::make_unique<AccessLogWriter>(writer_cells)) {}
AccessLog::~AccessLog() = default;

AccessLogShard& AccessLog::add_shard(ProcessCells& cells) {
  std::unique_ptr<AccessLogShard> shard(new AccessLogShard(cells, writer_->wake_fd()));
  shard->format_ = settings_.format;
  shard->enabled_ = settings_.path != "off";
  return writer_->add(std::move(shard));
}

Result<void> AccessLog::try_path(const std::string& path) {
  if (path == "off" || path == "stdout") return {};
  int error = try_existing(path);
  if (error == ENOENT) {
    // A link that leads nowhere is opened where it points to.
    std::error_code ignored;
    const std::filesystem::path target = std::filesystem::weakly_canonical(path, ignored);
    error = try_folder(ignored || path.ends_with('/') ? std::filesystem::path(path) : target);
  }
  if (error == 0) return {};
  return cannot_open(path, error, mend_of(error, path));
}

Result<void> AccessLog::apply(const Settings& settings) {
  if (settings.path != settings_.path) {
    const Result<int> fd = open_target(settings.path);
    if (!fd) return tl::make_unexpected(fd.error());
    writer_->switch_to(*fd);
  }
  settings_ = settings;
  writer_->for_each_shard([&settings](AccessLogShard& shard) {
    shard.format_.store(settings.format, std::memory_order_relaxed);
    shard.enabled_.store(settings.path != "off", std::memory_order_relaxed);
  });
  return {};
}

Result<void> AccessLog::reopen() {
  const Result<int> fd = open_target(settings_.path);
  if (!fd) return tl::make_unexpected(fd.error());
  writer_->switch_to(*fd);
  return {};
}

void AccessLog::flush() { writer_->flush(); }

}  // namespace gateway
