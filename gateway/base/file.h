#pragma once

#include <string>

#include "gateway/base/result.h"

namespace gateway {

/// The whole file; `not_found`, `permission_denied` or `io_error` with the path in the detail.
/// Blocks: never on a worker.
Result<std::string> read_file(const std::string& path);

}  // namespace gateway
