#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <simdjson.h>

#include "gateway/base/result.h"

namespace gateway::kubernetes {

/// One value of a JSON text, or its absence: null and a missing member are the same, as they are to
/// the API server. What is there but of another kind is an error, kept by the document; reading
/// goes on, so that parsers are plain lists of members.
class JsonValue {
 public:
  JsonValue(std::string& error, std::string path) : error_(&error), path_(std::move(path)) {}
  JsonValue(std::string& error, std::string path, simdjson::dom::element element);

  bool present() const { return element_.has_value(); }
  /// Member of an object; absent when this is absent.
  JsonValue operator[](std::string_view key) const;

  std::string text() const;
  /// True and false; as text too, since manifests in YAML bring every scalar as a text.
  std::optional<bool> flag() const;
  /// Likewise.
  std::optional<std::int64_t> number() const;

  /// Calls `visit(JsonValue)` for each element.
  template <typename Visit>
  void each(Visit visit) const {
    if (!element_) return;
    simdjson::dom::array array;
    if (element_->get_array().get(array) != simdjson::SUCCESS) return expect("a list");
    std::size_t index = 0;
    for (const simdjson::dom::element element : array)
      visit(JsonValue(*error_, path_ + "[" + std::to_string(index++) + "]", element));
  }
  /// Calls `visit(std::string_view key, JsonValue)` for each member.
  template <typename Visit>
  void members(Visit visit) const {
    if (!element_) return;
    simdjson::dom::object object;
    if (element_->get_object().get(object) != simdjson::SUCCESS) return expect("an object");
    for (const auto& [key, value] : object)
      visit(std::string_view(key), JsonValue(*error_, path_ + "." + std::string(key), value));
  }

  /// Notes that something else was expected here.
  void expect(std::string_view what) const;

 private:
  std::string* error_;
  std::string path_;
  std::optional<simdjson::dom::element> element_;
};

/// Parses `json`, hands its root to `read`, and returns what that made unless something was of a
/// wrong kind. `what` begins the error. The text is copied where the parser needs room behind it.
template <typename T, typename Read>
Result<T> read_json(std::string_view json, std::string_view what, Read read) {
  // One parser for each thread: its buffers are worth keeping over thousands of objects.
  thread_local simdjson::dom::parser parser;
  simdjson::dom::element root;
  if (const auto code = parser.parse(json.data(), json.size()).get(root); code != simdjson::SUCCESS)
    return failure(ErrorCode::invalid_argument, Side::internal,
                   std::string(what) + ": " + simdjson::error_message(code));
  std::string error;
  T made = read(JsonValue(error, {}, root));
  if (!error.empty())
    return failure(ErrorCode::invalid_argument, Side::internal, std::string(what) + error);
  return made;
}

}  // namespace gateway::kubernetes
