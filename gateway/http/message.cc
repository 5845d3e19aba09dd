#include "gateway/http/message.h"

#include <array>

#include "gateway/http/fields.h"

namespace gateway::http {
namespace {

constexpr std::array<std::string_view, 9> kMethods = {
    "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"};
static_assert(kMethods.size() == static_cast<std::size_t>(Method::patch) + 1);

bool same_name(const Header& field, HeaderId id, std::string_view name) {
  if (field.id != id) return false;
  return id != HeaderId::other || equals_ignoring_case(field.name, name);
}

}  // namespace

std::string_view to_string(Method method) { return kMethods[static_cast<std::size_t>(method)]; }

bool is_idempotent(Method method) {
  return method != Method::post && method != Method::patch && method != Method::connect;
}

const Header* HeaderList::find(HeaderId id) const {
  if (!has(id)) return nullptr;
  for (const Header& field : *this)
    if (field.id == id) return &field;
  return nullptr;
}

const Header* HeaderList::find(std::string_view name) const {
  const HeaderId id = header_id(name);
  if (id != HeaderId::other) return find(id);
  for (const Header& field : *this)
    if (same_name(field, id, name)) return &field;
  return nullptr;
}

std::size_t HeaderList::count(HeaderId id) const {
  if (!has(id)) return 0;
  std::size_t count = 0;
  for (const Header& field : *this) count += field.id == id ? 1 : 0;
  return count;
}

void HeaderList::reserve(Arena& arena, std::size_t capacity) {
  if (capacity <= capacity_) return;
  auto* fields = static_cast<Header*>(arena.allocate(capacity * sizeof(Header), alignof(Header)));
  for (std::uint32_t i = 0; i < size_; ++i) new (fields + i) Header(fields_[i]);
  fields_ = fields;
  capacity_ = static_cast<std::uint32_t>(capacity);
}

void HeaderList::set(Arena& arena, HeaderId id, std::string_view value) {
  remove(id);
  add(arena, id, value);
}

void HeaderList::set(Arena& arena, std::string_view name, std::string_view value) {
  remove(name);
  add(arena, name, value);
}

std::size_t HeaderList::remove(HeaderId id) {
  if (!has(id)) return 0;
  return remove_if([id](const Header& field) { return field.id == id; });
}

std::size_t HeaderList::remove(std::string_view name) {
  const HeaderId id = header_id(name);
  if (id != HeaderId::other) return remove(id);
  return remove_if([id, name](const Header& field) { return same_name(field, id, name); });
}

HeaderList HeaderList::clone(Arena& arena) const {
  HeaderList copy = *this;
  copy.capacity_ = 0;
  copy.reserve(arena, size_ + 8);
  return copy;
}

}  // namespace gateway::http
