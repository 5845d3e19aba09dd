#include "gateway/runtime/folder_watch.h"

#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "gateway/base/check.h"

namespace gateway {
namespace {

constexpr std::uint32_t kEvents = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE |
                                  IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
constexpr Duration kRetry = std::chrono::seconds(1);
constexpr std::string_view kVolumeLink =
    "..data";  // Kubernetes swaps it to change all files at once

}  // namespace

FolderWatch::FolderWatch(EventLoop& loop, std::function<void()> on_change,
                         std::function<void(const std::string&)> on_problem)
    : loop_(loop),
      on_change_(std::move(on_change)),
      on_problem_(std::move(on_problem)),
      fd_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)),
      quiet_(Callback<>::bind<&FolderWatch::on_timer>(this)),
      retry_(Callback<>::bind<&FolderWatch::on_retry>(this)) {
  if (fd_ < 0 || !watcher_.open(loop_, fd_, Callback<int>::bind<&FolderWatch::on_readable>(this))) {
    tell_problem("files", errno);
    return;
  }
  watcher_.want(FdWatcher::kReadable);
}

FolderWatch::~FolderWatch() {
  watcher_.close();
  if (fd_ >= 0) ::close(fd_);
}

void FolderWatch::watch(const std::vector<std::string>& paths) {
  std::map<std::string, Folder> wanted;
  for (const std::string& path : paths) {
    std::error_code ignored;
    if (std::filesystem::is_directory(path, ignored)) {
      wanted[path].everything = true;
      continue;
    }
    const std::filesystem::path file(path);
    const std::string parent = file.has_parent_path() ? file.parent_path().string() : ".";
    wanted[parent].files.push_back(file.filename().string());
  }
  for (auto& [path, folder] : folders_) {
    const auto kept = wanted.find(path);
    if (kept != wanted.end()) kept->second.descriptor = std::exchange(folder.descriptor, -1);
  }
  std::swap(folders_, wanted);
  // One folder has one descriptor, in however many spellings it is named.
  for (const auto& [path, folder] : wanted)
    if (folder.descriptor >= 0 && !watches(folder.descriptor))
      ::inotify_rm_watch(fd_, folder.descriptor);
  if (!add_missing()) retry_.arm(loop_.timers(), kRetry);
}

bool FolderWatch::add_missing() {
  bool complete = true;
  for (auto& [path, folder] : folders_) {
    if (folder.descriptor >= 0 || fd_ < 0) continue;
    folder.descriptor = ::inotify_add_watch(fd_, path.c_str(), kEvents);
    if (folder.descriptor >= 0) continue;
    complete = false;
    // One that is not there yet is no problem.
    if (errno != ENOENT && errno != ENOTDIR) tell_problem(path, errno);
  }
  return complete;
}

void FolderWatch::tell_problem(const std::string& what, int error) {
  if (!on_problem_) return;
  std::exchange(on_problem_,
                nullptr)("cannot watch " + what + " for changes: " + std::strerror(error));
}

void FolderWatch::on_retry() {
  const auto missing = [](const auto& entry) { return entry.second.descriptor < 0; };
  const auto before = std::ranges::count_if(folders_, missing);
  if (!add_missing()) retry_.arm(loop_.timers(), kRetry);
  // A folder that came (back) has other files than before.
  if (std::ranges::count_if(folders_, missing) != before) changed();
}

bool FolderWatch::watches(int descriptor) const {
  return std::ranges::any_of(
      folders_, [&](const auto& entry) { return entry.second.descriptor == descriptor; });
}

bool FolderWatch::concerns(int descriptor, const char* name) const {
  return std::ranges::any_of(folders_, [&](const auto& entry) {
    const Folder& folder = entry.second;
    return folder.descriptor == descriptor &&
           (folder.everything || name == kVolumeLink ||
            std::ranges::find(folder.files, name) != folder.files.end());
  });
}

void FolderWatch::on_readable(int) {
  alignas(inotify_event) char bytes[4096];
  for (ssize_t count; (count = ::read(fd_, bytes, sizeof bytes)) > 0;) {
    for (const char* at = bytes; at < bytes + count;) {
      const auto& event = *reinterpret_cast<const inotify_event*>(at);
      at += sizeof(inotify_event) + event.len;
      const bool gone = (event.mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED)) != 0;
      if (gone) {
        for (auto& [path, folder] : folders_) {
          if (folder.descriptor != event.wd) continue;
          if ((event.mask & IN_MOVE_SELF) != 0) ::inotify_rm_watch(fd_, event.wd);
          folder.descriptor = -1;
          retry_.arm(loop_.timers(), kQuiet);
        }
        continue;
      }
      const bool lost = (event.mask & IN_Q_OVERFLOW) != 0;
      if (lost || concerns(event.wd, event.len > 0 ? event.name : "")) changed();
    }
  }
}

void FolderWatch::changed() {
  if (!pending_) first_change_ = loop_.now();
  pending_ = true;
  const Duration left = first_change_ + kLongest - loop_.now();
  quiet_.arm(loop_.timers(), std::clamp(left, Duration::zero(), kQuiet));
}

void FolderWatch::on_timer() {
  pending_ = false;
  on_change_();
}

}  // namespace gateway
