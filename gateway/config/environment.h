#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

namespace gateway::config {

/// Value of an environment variable, nothing when it is unset.
using Environment = std::function<std::optional<std::string>(std::string_view name)>;

Environment process_environment();

/// Replaces `${NAME}` and `${NAME:-default}` (the default stands for an unset or empty variable);
/// `$${` is a literal `${`. The error is a sentence that names the variable.
tl::expected<std::string, std::string> expand_variables(std::string_view text,
                                                        const Environment& environment);

}  // namespace gateway::config
