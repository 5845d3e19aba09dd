#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

#include "gateway/base/result.h"

namespace gateway {

/// The whole file; `not_found`, `permission_denied` or `io_error` with the path in the detail.
/// Blocks: never on a worker.
Result<std::string> read_file(const std::string& path);

/// Who may do what with a file that was not there before. The owner is whoever makes it.
struct NewFile {
  mode_t mode = 0600;
  std::optional<gid_t> group;  ///< left out: the process's, or that of its folder
};

/// Replaces a file in one step: whoever reads finds the old text or the new one. What was there
/// hands on its owner, group and mode. Fails with the codes of read_file() and changes nothing
/// then. Blocks: never on a worker.
Result<void> replace_file(const std::string& path, std::string_view text, const NewFile& made);

}  // namespace gateway
