#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "gateway/base/clock.h"

namespace gateway::config {

/// A number of bytes ("64KiB", "10MB").
struct Size {
  std::uint64_t bytes = 0;
  auto operator<=>(const Size&) const = default;
};

/// A text that never changes and that many values hold, as when thousands of routes name one
/// Secret: a copy copies a pointer. Two of one object are equal without being looked at, and what
/// its hash is was reckoned once. Reads as a std::string does.
class SharedText {
 public:
  /// `text` is not null; it may be part of a larger object, which then lives on with it.
  explicit SharedText(std::shared_ptr<const std::string> text)
      : text_(std::move(text)), hash_(std::hash<std::string>()(*text_)) {}

  operator const std::string&() const { return *text_; }  // NOLINT: it is a text
  /// As std::hash has it for an equal std::string.
  std::size_t hash() const { return hash_; }
  friend bool operator==(const SharedText& a, const SharedText& b) {
    return a.text_ == b.text_ || (a.hash_ == b.hash_ && *a.text_ == *b.text_);
  }

 private:
  std::shared_ptr<const std::string> text_;
  std::size_t hash_;
};

/// One typed option of a filter or balancer, already validated against the policy's field table:
/// the alternatives are exactly the field types. Plain data with ==, so that equal settings are
/// known to be equal across reloads. Immutable: copies share lists and maps, however deep.
class Value {
 public:
  using List = std::vector<Value>;
  using Map = std::map<std::string, Value, std::less<>>;

 private:
  /// Copied and never moved from, so that it always holds one.
  template <typename T>
  struct Shared {
    Shared(T value) : held(std::make_shared<const T>(std::move(value))) {}  // NOLINT
    Shared(const Shared&) = default;
    Shared& operator=(const Shared&) = default;
    ~Shared() = default;
    bool operator==(const Shared& other) const {
      return held == other.held || *held == *other.held;
    }
    std::shared_ptr<const T> held;
  };
  /// A text is a std::string or a SharedText: holds() and as() ask for std::string for either.
  using Storage = std::variant<std::monostate, bool, std::int64_t, double, std::string, Duration,
                               Size, Shared<List>, Shared<Map>, SharedText>;
  template <typename T>
  static constexpr bool kIsShared = std::is_same_v<T, List> || std::is_same_v<T, Map>;

 public:
  Value() = default;
  template <typename T>
    requires std::constructible_from<Storage, T>
  Value(T value) : storage_(std::move(value)) {}  // NOLINT: a literal is a value

  bool is_set() const { return !std::holds_alternative<std::monostate>(storage_); }
  template <typename T>
  bool holds() const {
    if constexpr (std::is_same_v<T, std::string>)
      if (std::holds_alternative<SharedText>(storage_)) return true;
    if constexpr (kIsShared<T>)
      return std::holds_alternative<Shared<T>>(storage_);
    else
      return std::holds_alternative<T>(storage_);
  }

  /// The value as T; validation has seen to it that the type is right, else a broken invariant.
  template <typename T>
  const T& as() const {
    if constexpr (std::is_same_v<T, std::string>)
      if (const auto* shared = std::get_if<SharedText>(&storage_)) return *shared;
    if constexpr (kIsShared<T>)
      return *std::get<Shared<T>>(storage_).held;
    else
      return std::get<T>(storage_);
  }

  /// Member of a map; an unset value when absent or when this is no map.
  const Value& operator[](std::string_view key) const;

  /// Calls it with what this is, a text as a std::string; with std::monostate when it is unset.
  template <typename Visitor>
  decltype(auto) visit(Visitor&& visitor) const {
    return std::visit([&](const auto& held) -> decltype(auto) { return visitor(plain(held)); },
                      storage_);
  }
  /// Texts are equal by what they say, however they are held.
  bool operator==(const Value& other) const;
  /// Equal values, equal hashes; most others differ. Does not read texts that are shared.
  std::size_t hash() const;

 private:
  template <typename T>
  static const T& plain(const T& held) {
    return held;
  }
  template <typename T>
  static const T& plain(const Shared<T>& shared) {
    return *shared.held;
  }
  static const std::string& plain(const SharedText& text) { return text; }

  Storage storage_;
};

}  // namespace gateway::config
