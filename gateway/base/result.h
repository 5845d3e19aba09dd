#pragma once

#include <tl/expected.hpp>

#include "gateway/base/error.h"

namespace gateway {

/// A value, or the error that says why there is none.
template <typename T>
using Result = tl::expected<T, Error>;

inline tl::unexpected<Error> failure(ErrorCode code, Side side, std::string detail = {},
                                     bool retriable = false) {
  return tl::make_unexpected(Error(code, side, std::move(detail), retriable));
}

/// What somebody gave cannot be used: `detail` says why, for whoever gave it.
inline tl::unexpected<Error> invalid_argument(std::string detail) {
  return failure(ErrorCode::invalid_argument, Side::internal, std::move(detail));
}

}  // namespace gateway
