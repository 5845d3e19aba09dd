#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gateway::custom_metrics {

/// "%2A" is '*'; nothing when an escape is not two hexadecimal digits.
std::optional<std::string> percent_decoded(std::string_view text, bool plus_is_space = false);

/// The names and values of a query or a form (application/x-www-form-urlencoded), in order.
class Parameters {
 public:
  /// Nothing when an escape is malformed.
  static std::optional<Parameters> parse(std::string_view text);
  void append(Parameters other);

  /// The first of that name; null when absent.
  const std::string* find(std::string_view name) const;
  std::vector<std::string> all(std::string_view name) const;

 private:
  std::vector<std::pair<std::string, std::string>> list_;
};

/// The segments of a path behind its first slash, each decoded; nothing when an escape is
/// malformed.
std::optional<std::vector<std::string>> path_segments(std::string_view path);

}  // namespace gateway::custom_metrics
