#pragma once

#include <string>
#include <string_view>

#include "gateway/kubernetes/api.h"

namespace gateway::kubernetes {

/// What the API server says when it refuses: a `Status` object, or what can be told without one
/// (something in between answered).
struct Status {
  int code = 0;
  std::string reason;   ///< "NotFound"; may be empty
  std::string message;  ///< made short and printable; may be empty

  /// "404 NotFound: services \"app\" not found".
  std::string to_string() const;
};

Status read_status(int code, std::string_view body);

/// For a response that is not ok(): whose fault, whether trying again may help, and the status in
/// words behind `doing` ("list /api/v1/services").
Error error_of(const ApiResponse& response, std::string_view doing);

}  // namespace gateway::kubernetes
