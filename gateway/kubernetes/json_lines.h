#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace gateway::kubernetes {

/// Cuts a stream of bytes into lines, each a JSON object, however the bytes come. Keeps at most one
/// unfinished line. One thread.
class JsonLines {
 public:
  /// `most`: bytes of a line, which bounds what is kept.
  explicit JsonLines(std::size_t most) : most_(most) {}

  /// Calls `on_line(std::string_view)` for each whole line that is not blank; it answers whether to
  /// go on, and the rest is dropped if not. False: a line is longer than allowed.
  template <typename OnLine>
  bool feed(std::string_view bytes, OnLine on_line) {
    for (std::size_t end; (end = bytes.find('\n')) != std::string_view::npos;
         bytes.remove_prefix(end + 1)) {
      std::string_view line = bytes.substr(0, end);
      if (partial_.size() + line.size() > most_) return false;
      std::string joined;  // of its own: `on_line` may feed anew after a clear()
      if (!partial_.empty()) {
        joined.swap(partial_);
        line = joined.append(line);
      }
      if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
      if (!on_line(line)) return true;
    }
    if (partial_.size() + bytes.size() > most_) return false;
    partial_.append(bytes);
    return true;
  }

  /// For another stream.
  void clear() { partial_.clear(); }
  /// Bytes of a line whose end did not come.
  std::size_t held() const { return partial_.size(); }

 private:
  const std::size_t most_;
  std::string partial_;
};

}  // namespace gateway::kubernetes
