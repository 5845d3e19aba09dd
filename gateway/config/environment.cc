#include "gateway/config/environment.h"

#include <fmt/format.h>

#include <cstdlib>

namespace gateway::config {
namespace {

bool names_variable(std::string_view name) {
  if (name.empty() || (name.front() >= '0' && name.front() <= '9')) return false;
  for (const char c : name) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (!letter && !(c >= '0' && c <= '9') && c != '_') return false;
  }
  return true;
}

// `inside` is what stands between the braces.
tl::expected<std::string, std::string> value_of(std::string_view inside,
                                                const Environment& environment) {
  const auto dash = inside.find(":-");
  const std::string_view name = inside.substr(0, dash);
  if (!names_variable(name))
    return tl::make_unexpected(fmt::format("'{}' is no name of an environment variable", name));
  if (dash != std::string_view::npos && inside.find("${", dash) != std::string_view::npos)
    return tl::make_unexpected(std::string("a default cannot hold another \"${\""));
  std::optional<std::string> value = environment(name);
  if (dash == std::string_view::npos) {
    if (value) return *std::move(value);
    return tl::make_unexpected(fmt::format("environment variable {} is not set", name));
  }
  if (value && !value->empty()) return *std::move(value);
  return std::string(inside.substr(dash + 2));
}

}  // namespace

Environment process_environment() {
  return [](std::string_view name) -> std::optional<std::string> {
    const char* value = std::getenv(std::string(name).c_str());
    if (value == nullptr) return std::nullopt;
    return value;
  };
}

tl::expected<std::string, std::string> expand_variables(std::string_view text,
                                                        const Environment& environment) {
  std::string out;
  while (true) {
    const auto start = text.find("${");
    if (start == std::string_view::npos) return out.append(text);
    if (start > 0 && text[start - 1] == '$') {
      out.append(text.substr(0, start - 1)).append("${");
      text.remove_prefix(start + 2);
      continue;
    }
    const auto end = text.find('}', start);
    if (end == std::string_view::npos)
      return tl::make_unexpected(std::string("\"${\" is not closed (a literal one is \"$${\")"));
    auto value = value_of(text.substr(start + 2, end - start - 2), environment);
    if (!value) return tl::make_unexpected(std::move(value.error()));
    out.append(text.substr(0, start)).append(*value);
    text.remove_prefix(end + 1);
  }
}

}  // namespace gateway::config
