#include "gateway/server/text.h"

#include <fmt/format.h>

#include <cstdint>

#include "gateway/base/duration.h"
#include "gateway/base/size.h"

namespace gateway::server {
namespace {

/// One overload for each alternative of a value.
struct Writer {
  std::string operator()(std::monostate /*unset*/) const { return "unset"; }
  std::string operator()(bool value) const { return value ? "true" : "false"; }
  std::string operator()(std::int64_t value) const { return fmt::format("{}", value); }
  std::string operator()(double value) const { return fmt::format("{}", value); }
  std::string operator()(const std::string& value) const { return value.empty() ? "\"\"" : value; }
  std::string operator()(Duration value) const { return format_duration(value); }
  std::string operator()(config::Size value) const { return format_size(value.bytes); }
  std::string operator()(const config::Value::List& list) const {
    std::string text;
    for (const config::Value& item : list) text += (text.empty() ? "" : ", ") + text_of(item);
    return "[" + text + "]";
  }
  std::string operator()(const config::Value::Map& map) const {
    std::string text;
    for (const auto& [name, value] : map) {
      if (!value.is_set()) continue;
      text += (text.empty() ? "" : ", ") + name + ": " + text_of(value);
    }
    return "{" + text + "}";
  }
};

}  // namespace

std::string text_of(const config::Value& value) { return value.visit(Writer{}); }

}  // namespace gateway::server
