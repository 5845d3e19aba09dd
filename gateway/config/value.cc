#include "gateway/config/value.h"

namespace gateway::config {

const Value& Value::operator[](std::string_view key) const {
  static const Value unset;
  const Map* map = std::get_if<Map>(&storage_);
  if (map == nullptr) return unset;
  const auto it = map->find(key);
  return it == map->end() ? unset : it->second;
}

}  // namespace gateway::config
