#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "gateway/base/clock.h"

namespace gateway::config {

/// A number of bytes ("64KiB", "10MB").
struct Size {
  std::uint64_t bytes = 0;
  auto operator<=>(const Size&) const = default;
};

/// One typed option of a filter or balancer, already validated against the policy's field table:
/// the alternatives are exactly the field types. Plain data with ==, so that equal settings are
/// known to be equal across reloads.
class Value {
 public:
  using List = std::vector<Value>;
  using Map = std::map<std::string, Value, std::less<>>;
  using Storage = std::variant<std::monostate, bool, std::int64_t, double, std::string, Duration,
                               Size, List, Map>;

  Value() = default;
  template <typename T>
    requires std::constructible_from<Storage, T>
  Value(T value) : storage_(std::move(value)) {}  // NOLINT: a literal is a value

  bool is_set() const { return !std::holds_alternative<std::monostate>(storage_); }
  template <typename T>
  bool holds() const {
    return std::holds_alternative<T>(storage_);
  }

  /// The value as T; validation has seen to it that the type is right, else a broken invariant.
  template <typename T>
  const T& as() const {
    return std::get<T>(storage_);
  }

  /// Member of a map; an unset value when absent or when this is no map.
  const Value& operator[](std::string_view key) const;

  const Storage& storage() const { return storage_; }
  bool operator==(const Value&) const = default;

 private:
  Storage storage_;
};

}  // namespace gateway::config
