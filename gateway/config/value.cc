#include "gateway/config/value.h"

#include <functional>

#include "gateway/base/hash.h"

namespace gateway::config {
namespace {

/// Mixes what it visits into one number.
class ValueHash {
 public:
  explicit ValueHash(std::size_t kind) : hash_(kind) {}
  void operator()(std::monostate) {}
  void operator()(const Value::List& list) {
    for (const Value& each : list) mix(each.hash());
  }
  void operator()(const Value::Map& map) {
    for (const auto& [key, member] : map) {
      mix(std::hash<std::string>()(key));
      mix(member.hash());
    }
  }
  void operator()(const std::string& text) { hash_ = std::hash<std::string>()(text); }
  void operator()(Duration duration) { mix(static_cast<std::size_t>(duration.count())); }
  void operator()(Size size) { mix(size.bytes); }
  template <typename T>
  void operator()(const T& plain) {
    mix(std::hash<T>()(plain));
  }
  std::size_t take() const { return hash_; }

 private:
  void mix(std::size_t more) { hash_ = gateway::mix(hash_, more); }

  std::size_t hash_;
};

}  // namespace

const Value& Value::operator[](std::string_view key) const {
  static const Value unset;
  if (!holds<Map>()) return unset;
  const Map& map = as<Map>();
  const auto it = map.find(key);
  return it == map.end() ? unset : it->second;
}

bool Value::operator==(const Value& other) const {
  if (storage_.index() != other.storage_.index() && holds<std::string>() &&
      other.holds<std::string>())
    return as<std::string>() == other.as<std::string>();
  return storage_ == other.storage_;
}

std::size_t Value::hash() const {
  if (const auto* shared = std::get_if<SharedText>(&storage_)) return shared->hash();
  ValueHash hash(storage_.index());
  visit(hash);
  return hash.take();
}

}  // namespace gateway::config
