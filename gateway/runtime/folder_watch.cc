#include "gateway/runtime/folder_watch.h"

#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>

#include "gateway/base/check.h"

namespace gateway {
namespace {

constexpr std::uint32_t kEvents = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE |
                                  IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
constexpr Duration kRetry = std::chrono::seconds(1);
constexpr std::string_view kVolumeLink =
    "..data";  // Kubernetes swaps it to change all files at once

}  // namespace

FolderWatch::FolderWatch(EventLoop& loop, std::function<void()> on_change)
    : loop_(loop),
      on_change_(std::move(on_change)),
      fd_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)),
      quiet_(Callback<>::bind<&FolderWatch::on_timer>(this)),
      retry_(Callback<>::bind<&FolderWatch::on_retry>(this)) {
  if (fd_ < 0) return;  // out of inotify instances: changes are then seen by SIGHUP alone
  watcher_.open(loop_, fd_, Callback<int>::bind<&FolderWatch::on_readable>(this));
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
    if (kept != wanted.end())
      kept->second.descriptor = folder.descriptor;
    else if (folder.descriptor >= 0)
      ::inotify_rm_watch(fd_, folder.descriptor);
  }
  folders_ = std::move(wanted);
  if (!add_missing()) retry_.arm(loop_.timers(), kRetry);
}

bool FolderWatch::add_missing() {
  bool complete = true;
  for (auto& [path, folder] : folders_) {
    if (folder.descriptor >= 0 || fd_ < 0) continue;
    folder.descriptor = ::inotify_add_watch(fd_, path.c_str(), kEvents);
    complete = complete && folder.descriptor >= 0;
  }
  return complete;
}

void FolderWatch::on_retry() {
  const auto missing = [](const auto& entry) { return entry.second.descriptor < 0; };
  const auto before = std::ranges::count_if(folders_, missing);
  if (!add_missing()) retry_.arm(loop_.timers(), kRetry);
  // A folder that came (back) has other files than before.
  if (std::ranges::count_if(folders_, missing) != before) changed();
}

bool FolderWatch::concerns(int descriptor, const char* name) const {
  for (const auto& [path, folder] : folders_) {
    if (folder.descriptor != descriptor) continue;
    if (folder.everything || name == kVolumeLink) return true;
    return std::ranges::find(folder.files, name) != folder.files.end();
  }
  return false;
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
