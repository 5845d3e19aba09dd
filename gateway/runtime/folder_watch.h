#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "gateway/runtime/event_loop.h"
#include "gateway/runtime/fd_watcher.h"
#include "gateway/runtime/timer.h"

namespace gateway {

/// Tells when files have changed, by inotify on the folders that hold them: editors rename over a
/// file, and Kubernetes swaps the `..data` link of a volume, so a watch on the file itself sees
/// nothing. One call after things have been quiet for a moment, however many files were written; at
/// the latest a second after the first change. Folders that do not exist yet, or were replaced, are
/// found again within a second. A folder may be named in several spellings. One loop.
class FolderWatch {
 public:
  static constexpr Duration kQuiet = std::chrono::milliseconds(100);
  static constexpr Duration kLongest = std::chrono::seconds(1);

  /// `on_problem` hears, once, why changes cannot be seen: limits of inotify, or no permission.
  FolderWatch(EventLoop& loop, std::function<void()> on_change,
              std::function<void(const std::string&)> on_problem = {});
  ~FolderWatch();
  FolderWatch(const FolderWatch&) = delete;
  FolderWatch& operator=(const FolderWatch&) = delete;

  /// Replaces what is watched: folders (everything directly in them) and files. Unchanged watches
  /// stay, so no event between two calls is lost.
  void watch(const std::vector<std::string>& paths);

 private:
  struct Folder {
    int descriptor = -1;
    bool everything = false;
    std::vector<std::string> files;
  };

  void on_readable(int events);
  bool watches(int descriptor) const;
  bool concerns(int descriptor, const char* name) const;
  void changed();
  void on_timer();
  void on_retry();
  bool add_missing();
  void tell_problem(const std::string& what, int error);

  EventLoop& loop_;
  std::function<void()> on_change_;
  std::function<void(const std::string&)> on_problem_;  ///< none once it was told
  int fd_;
  FdWatcher watcher_;
  Timer quiet_;
  Timer retry_;
  Instant first_change_{};
  bool pending_ = false;
  std::map<std::string, Folder> folders_;
};

}  // namespace gateway
