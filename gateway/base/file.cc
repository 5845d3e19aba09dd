#include "gateway/base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace gateway {
namespace {

tl::unexpected<Error> file_error(const std::string& path, int error) {
  const ErrorCode code = error == ENOENT   ? ErrorCode::not_found
                         : error == EACCES ? ErrorCode::permission_denied
                                           : ErrorCode::io_error;
  return failure(code, Side::internal, path + ": " + std::strerror(error));
}

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::write(fd, text.data(), text.size());
    if (count < 0 && errno != EINTR) return false;
    if (count > 0) text.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

// A change of the owner may take bits of the mode away, so that comes second.
bool give_away(int fd, const std::string& path, const NewFile& made) {
  constexpr auto kSame = static_cast<uid_t>(-1);
  struct stat own {};
  struct stat before {};
  if (::fstat(fd, &own) != 0) return false;
  if (::stat(path.c_str(), &before) != 0)
    return (!made.group || ::fchown(fd, kSame, *made.group) == 0) && ::fchmod(fd, made.mode) == 0;
  const bool same = own.st_uid == before.st_uid && own.st_gid == before.st_gid;
  return (same || ::fchown(fd, before.st_uid, before.st_gid) == 0) &&
         ::fchmod(fd, before.st_mode & 07777U) == 0;
}

/// Hidden, so that nobody who reads a whole folder takes it for a file of it.
std::string beside(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const std::size_t name = slash == std::string::npos ? 0 : slash + 1;
  return path.substr(0, name) + "." + path.substr(name) + ".new";
}

}  // namespace

Result<void> replace_file(const std::string& path, std::string_view text, const NewFile& made) {
  const std::string part = beside(path);
  ::unlink(part.c_str());  // what a process left that was killed here
  const int fd = ::open(part.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return file_error(path, errno);
  bool done = write_all(fd, text) && give_away(fd, path, made) && ::fsync(fd) == 0;
  int error = errno;
  ::close(fd);
  if (done && ::rename(part.c_str(), path.c_str()) != 0) {
    done = false;
    error = errno;
  }
  if (done) return {};
  ::unlink(part.c_str());
  return file_error(path, error);
}

Result<std::string> read_file(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return file_error(path, errno);
  std::string text;
  char piece[16384];
  ssize_t count = 0;
  while ((count = ::read(fd, piece, sizeof piece)) > 0)
    text.append(piece, static_cast<std::size_t>(count));
  const int error = errno;
  ::close(fd);
  if (count < 0) return file_error(path, error);
  return text;
}

}  // namespace gateway
