#pragma once

#include <string>
#include <string_view>

#include <tl/expected.hpp>

#include "gateway/config/field.h"
#include "gateway/config/value.h"

namespace gateway::config {

/// Why a text is not a value of a type.
struct Mismatch {
  std::string message;
  std::string expected;
  std::string suggestion;
};

/// Reads one plain value as `type`, within the bounds and choices of `field`. References (upstream,
/// listener, file …) are read as strings: whether they exist is asked later.
tl::expected<Value, Mismatch> parse_scalar(std::string_view text, const Field& field,
                                           FieldType type);

/// The text that reads back to the same plain value; lists as "[a, b]".
std::string format_scalar(const Value& value);

/// "a duration from 10ms to 1h", "one of json, text": for messages and the reference.
std::string describe_type(const Field& field, FieldType type);

}  // namespace gateway::config
