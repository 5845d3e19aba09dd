#include "gateway/base/file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace gateway {
namespace {

tl::unexpected<Error> file_error(const std::string& path, int error) {
  const ErrorCode code = error == ENOENT   ? ErrorCode::not_found
                         : error == EACCES ? ErrorCode::permission_denied
                                           : ErrorCode::io_error;
  return failure(code, Side::internal, path + ": " + std::strerror(error));
}

}  // namespace

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
