#include "gateway/config/value.h"

namespace gateway::config {
namespace {

void mix(std::size_t& hash, std::size_t more) {
  hash ^= more + 0x9e3779b97f4a7c15U + (hash << 6U) + (hash >> 2U);
}

}  // namespace

const Value& Value::operator[](std::string_view key) const {
  static const Value unset;
  const Map* map = std::get_if<Map>(&storage_);
  if (map == nullptr) return unset;
  const auto it = map->find(key);
  return it == map->end() ? unset : it->second;
}

bool Value::operator==(const Value& other) const {
  if (storage_.index() != other.storage_.index() && holds<std::string>() &&
      other.holds<std::string>())
    return as<std::string>() == other.as<std::string>();
  return storage_ == other.storage_;
}

std::size_t Value::hash() const {
  if (const auto* shared = std::get_if<SharedText>(&storage_)) return shared->hash();
  if (const auto* text = std::get_if<std::string>(&storage_))
    return std::hash<std::string>()(*text);
  std::size_t hash = storage_.index();
  if (const Map* map = std::get_if<Map>(&storage_)) {
    for (const auto& [key, member] : *map) {
      mix(hash, std::hash<std::string>()(key));
      mix(hash, member.hash());
    }
  } else if (const List* list = std::get_if<List>(&storage_)) {
    for (const Value& member : *list) mix(hash, member.hash());
  } else if (const Size* size = std::get_if<Size>(&storage_)) {
    mix(hash, size->bytes);
  } else if (const Duration* duration = std::get_if<Duration>(&storage_)) {
    mix(hash, static_cast<std::size_t>(duration->count()));
  } else if (const bool* flag = std::get_if<bool>(&storage_)) {
    mix(hash, *flag ? 1 : 0);
  } else if (const std::int64_t* number = std::get_if<std::int64_t>(&storage_)) {
    mix(hash, static_cast<std::size_t>(*number));
  }
  return hash;
}

}  // namespace gateway::config
