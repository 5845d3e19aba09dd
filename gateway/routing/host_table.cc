#include "gateway/routing/host_table.h"

#include <algorithm>
#include <bit>

#include "gateway/base/check.h"
#include "gateway/base/hash.h"

namespace gateway::routing {
namespace {

constexpr std::string_view kEveryHost = "*";

std::string_view without_digits_port(std::string_view authority) {
  std::size_t at = authority.size();
  while (at > 0 && authority[at - 1] >= '0' && authority[at - 1] <= '9') --at;
  // The last group of an IPv6 address is followed by a bracket, so these digits are a port.
  return at > 0 && authority[at - 1] == ':' ? authority.substr(0, at - 1) : authority;
}

}  // namespace

HostKey::HostKey(std::string_view authority) {
  std::string_view name = without_digits_port(authority);
  if (name.ends_with('.')) name.remove_suffix(1);
  if (name.size() >= kLongest) name = {};
  size_ = name.size();
  std::size_t at = 0;
  for (; size_ - at >= 8; at += 8) {
    const std::uint64_t word = fold_word(load_word(name.data() + at, 8));
    std::memcpy(text_ + at, &word, 8);
  }
  if (at < size_) {
    const std::uint64_t word = fold_word(load_word(name.data() + at, size_ - at));
    std::memcpy(text_ + at, &word, 8);
  }
  hash_ = hash_bytes({text_, size_});
}

std::string_view HostKey::parent() const {
  const auto dot = name().find('.');
  return dot == std::string_view::npos || dot == 0 ? std::string_view() : name().substr(dot);
}

HostMap::HostMap(std::vector<std::shared_ptr<const HostTable>> tables)
    : tables_(std::move(tables)) {
  slots_.resize(std::bit_ceil(tables_.size() * 2 + 1));
  for (const auto& table : tables_) {
    std::string_view name = table->pattern;
    if (name == kEveryHost) {
      any_ = table.get();
      continue;
    }
    if (name.starts_with("*.")) {
      name.remove_prefix(1);
      has_wildcards_ = true;
    }
    has_names_ = true;
    insert(name, table.get());
  }
}

HostMap::HostMap(const HostMap& before, const std::vector<std::shared_ptr<const HostTable>>& others)
    : tables_(before.tables_),
      slots_(before.slots_),
      has_names_(before.has_names_),
      has_wildcards_(before.has_wildcards_),
      any_(before.any_) {
  for (const auto& table : others) put_in_place(table);
}

void HostMap::put_in_place(const std::shared_ptr<const HostTable>& table) {
  const std::string_view pattern = table->pattern;
  const auto old = of_pattern(pattern);
  GATEWAY_CHECK(old != nullptr);
  for (Slot& slot : slots_) {
    if (slot.table != old.get()) continue;
    const std::string_view name = pattern.starts_with("*.") ? pattern.substr(1) : pattern;
    slot = {slot.hash, name, table.get()};
  }
  if (any_ == old.get()) any_ = table.get();
  *std::find(tables_.begin(), tables_.end(), old) = table;
}

void HostMap::insert(std::string_view name, const HostTable* table) {
  const std::uint64_t hash = hash_bytes(name);
  std::size_t at = hash & (slots_.size() - 1);
  while (slots_[at].table != nullptr) at = (at + 1) & (slots_.size() - 1);
  slots_[at] = {hash, name, table};
}

const HostTable* HostMap::look_up(std::string_view name, std::uint64_t hash) const {
  for (std::size_t at = hash & (slots_.size() - 1); slots_[at].table != nullptr;
       at = (at + 1) & (slots_.size() - 1)) {
    if (slots_[at].hash == hash && slots_[at].name == name) return slots_[at].table;
  }
  return nullptr;
}

const HostTable* HostMap::find(std::string_view authority) const {
  if (!has_names_) return any_;
  const HostKey key(authority);
  // A name that begins with a dot is how wildcards are filed, and no host.
  if (key.name().starts_with('.')) return any_;
  if (const HostTable* table = look_up(key.name(), key.hash())) return table;
  if (has_wildcards_) {
    const std::string_view parent = key.parent();
    if (!parent.empty()) {
      if (const HostTable* table = look_up(parent, hash_bytes(parent))) return table;
    }
  }
  return any_;
}

std::shared_ptr<const HostTable> HostMap::of_pattern(std::string_view pattern) const {
  const HostTable* found = any_;
  if (pattern != kEveryHost) {
    const std::string_view name = pattern.starts_with("*.") ? pattern.substr(1) : pattern;
    found = look_up(name, hash_bytes(name));
  }
  return found == nullptr ? nullptr : found->shared_from_this();
}

}  // namespace gateway::routing
