#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/base/result.h"

namespace gateway::kubernetes {

/// One event of a watch, of which only what a watch itself needs was read. Views live until the
/// reader's next event.
struct WatchEvent {
  enum class Type : std::uint8_t { added, modified, deleted, bookmark, error };
  Type type = Type::error;
  std::string_view object;          ///< the object's JSON text
  std::string key;                  ///< "namespace/name", "/name" for what belongs to none
  std::string version;              ///< metadata.resourceVersion
  bool initial_events_end = false;  ///< of a bookmark: the list that was streamed is complete
  int code = 0;                     ///< of an error: the Status' code
};

/// A page of a list.
struct ListPage {
  /// By key, as above: the object's JSON text, in which its kind may not be told.
  std::vector<std::pair<std::string, std::string>> objects;
  std::string version;         ///< of the list
  std::string continue_token;  ///< empty: this is the last page
};

/// Looks into the JSON of watches and lists without building trees of it (simdjson on demand).
/// Keeps its buffers, but not those that a page or a giant object needed. One thread. What is not
/// as it should be is `upstream_protocol`.
class WatchReader {
 public:
  WatchReader();
  ~WatchReader();
  WatchReader(const WatchReader&) = delete;
  WatchReader& operator=(const WatchReader&) = delete;

  Result<WatchEvent> read_event(std::string_view line);
  Result<ListPage> read_page(std::string_view body);

 private:
  struct Parsers;
  void forget_giants();

  std::unique_ptr<Parsers> parsers_;
};

}  // namespace gateway::kubernetes
