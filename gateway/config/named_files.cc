#include "gateway/config/named_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace gateway::config {
namespace {

constexpr std::size_t kMostPem = 4U << 20;

class Descriptor {
 public:
  // Without O_NONBLOCK, opening a pipe that nobody writes to would wait for ever.
  explicit Descriptor(const std::string& path)
      : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

tl::unexpected<std::string> cannot_read(const std::string& path) {
  return tl::make_unexpected(fmt::format("cannot read {}: {}", path, std::strerror(errno)));
}

bool holds_block(std::string_view content, std::string_view kind) {
  constexpr std::string_view kBegin = "-----BEGIN ";
  for (auto at = content.find(kBegin); at != std::string_view::npos;
       at = content.find(kBegin, at + 1)) {
    const std::string_view rest = content.substr(at + kBegin.size());
    const std::string_view name = rest.substr(0, rest.find("-----"));
    if (name.size() < 40 && name.ends_with(kind)) return true;
  }
  return false;
}

bool is_pair(const std::filesystem::path& certificate) {
  const auto extension = certificate.extension();
  if (extension != ".crt" && extension != ".pem") return false;
  std::filesystem::path key = certificate;
  key.replace_extension(".key");
  std::error_code ignored;
  return std::filesystem::exists(key, ignored);
}

}  // namespace

tl::expected<std::string, std::string> read_file(const std::string& path, std::size_t most) {
  const Descriptor file(path);
  struct stat status;
  if (file.fd() < 0 || ::fstat(file.fd(), &status) != 0) return cannot_read(path);
  if (!S_ISREG(status.st_mode)) return tl::make_unexpected(fmt::format("{} is not a file", path));
  std::string content;
  char chunk[64 * 1024];
  while (true) {
    const ssize_t got = ::read(file.fd(), chunk, sizeof chunk);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return cannot_read(path);
    if (got == 0) return content;
    content.append(chunk, static_cast<std::size_t>(got));
    if (content.size() > most)
      return tl::make_unexpected(fmt::format("{} is larger than {} MiB", path, most >> 20));
  }
}

std::string check_named_file(const std::string& path, std::string_view pem) {
  const auto content = read_file(path, kMostPem);
  if (!content) return content.error();
  if (content->empty()) return fmt::format("{} is empty", path);
  if (!pem.empty() && !holds_block(*content, pem))
    return fmt::format("{} holds no PEM block \"BEGIN {}\"", path, pem);
  return {};
}

std::string check_certificate_folder(const std::string& path) {
  std::error_code error;
  std::filesystem::directory_iterator entry(path, error);
  if (error) return fmt::format("cannot read {}: {}", path, error.message());
  for (; entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    if (error) return fmt::format("cannot read {}: {}", path, error.message());
    if (is_pair(entry->path())) return {};
    std::error_code ignored;
    if (!entry->is_directory(ignored)) continue;
    for (std::filesystem::directory_iterator inner(entry->path(), ignored), end;
         !ignored && inner != end; inner.increment(ignored))
      if (is_pair(inner->path())) return {};
  }
  return fmt::format("{} holds no certificate (.crt or .pem) with its .key", path);
}

}  // namespace gateway::config
