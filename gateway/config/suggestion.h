#pragma once

#include <span>
#include <string>
#include <string_view>

namespace gateway::config {

/// The candidate that `text` was probably meant to be, by edit distance without regard to case;
/// empty when none is near enough.
std::string_view closest(std::string_view text, std::span<const std::string_view> candidates);

/// "a, b or c".
std::string one_of(std::span<const std::string_view> words);

}  // namespace gateway::config
