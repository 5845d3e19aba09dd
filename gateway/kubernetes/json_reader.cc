#include "gateway/kubernetes/json_reader.h"

#include <charconv>

namespace gateway::kubernetes {

JsonValue::JsonValue(std::string& error, std::string path, simdjson::dom::element element)
    : error_(&error), path_(std::move(path)) {
  if (!element.is_null()) element_ = element;
}

JsonValue JsonValue::operator[](std::string_view key) const {
  std::string path = path_ + "." + std::string(key);
  if (!element_) return {*error_, std::move(path)};
  simdjson::dom::object object;
  if (element_->get_object().get(object) != simdjson::SUCCESS) {
    expect("an object");
    return {*error_, std::move(path)};
  }
  simdjson::dom::element member;
  if (object.at_key(key).get(member) != simdjson::SUCCESS) return {*error_, std::move(path)};
  return {*error_, std::move(path), member};
}

std::string JsonValue::text() const {
  if (!element_) return {};
  std::string_view text;
  if (element_->get_string().get(text) == simdjson::SUCCESS) return std::string(text);
  expect("a text");
  return {};
}

std::optional<bool> JsonValue::flag() const {
  if (!element_) return std::nullopt;
  bool value = false;
  if (element_->get_bool().get(value) == simdjson::SUCCESS) return value;
  std::string_view text;
  if (element_->get_string().get(text) == simdjson::SUCCESS && (text == "true" || text == "false"))
    return text == "true";
  expect("true or false");
  return std::nullopt;
}

std::optional<std::int64_t> JsonValue::number() const {
  if (!element_) return std::nullopt;
  std::int64_t value = 0;
  if (element_->get_int64().get(value) == simdjson::SUCCESS) return value;
  std::string_view text;
  if (element_->get_string().get(text) == simdjson::SUCCESS) {
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (code == std::errc() && end == text.data() + text.size()) return value;
  }
  expect("a whole number");
  return std::nullopt;
}

// The first is enough: what comes after is often its consequence.
void JsonValue::expect(std::string_view what) const {
  if (!error_->empty()) return;
  *error_ =
      (path_.empty() ? " the object" : " " + path_.substr(1)) + ": expected " + std::string(what);
}

}  // namespace gateway::kubernetes
