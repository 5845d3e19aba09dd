#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>

#include "gateway/base/arena.h"
#include "gateway/http/header_id.h"

namespace gateway::http {

/// The methods of RFC 9110 §9 and RFC 5789; everything else is refused with 501 before a message
/// exists.
enum class Method : std::uint8_t { get, head, post, put, delete_, connect, options, trace, patch };

std::string_view to_string(Method method);
/// RFC 9110 §9.2.2: repeating the request has the same effect as sending it once.
bool is_idempotent(Method method);

enum class Version : std::uint8_t { http10, http11, http2 };

/// One field line: views into memory that somebody else keeps (the exchange's arena, or the loop's
/// receive buffer for the length of a callback).
struct Header {
  HeaderId id = HeaderId::other;
  std::string_view name;   ///< as received; compare without case, or by id
  std::string_view value;  ///< no white space at the ends
};

/// The fields of a head in the order received. Storage is an array in an arena; removal keeps
/// order. Look-ups by id walk the array: heads are short, and a presence mask answers most of them
/// at once.
class HeaderList {
 public:
  HeaderList() = default;

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  const Header* begin() const { return fields_; }
  const Header* end() const { return fields_ + size_; }
  Header& operator[](std::size_t index) { return fields_[index]; }
  const Header& operator[](std::size_t index) const { return fields_[index]; }

  bool has(HeaderId id) const { return (mask_ & bit(id)) != 0; }
  /// True when a field of any of these ids may be here; `ids` is made of `bit`s.
  bool has_any(std::uint64_t ids) const { return (mask_ & ids) != 0; }
  /// HeaderId::other has no bit: its fields are found by name.
  static constexpr std::uint64_t bit(HeaderId id) {
    return id == HeaderId::other ? 0 : std::uint64_t{1} << static_cast<unsigned>(id);
  }
  static constexpr std::uint64_t bits(std::initializer_list<HeaderId> ids) {
    std::uint64_t result = 0;
    for (const HeaderId id : ids) result |= bit(id);
    return result;
  }
  /// First field of that id or name (without case); null when absent.
  const Header* find(HeaderId id) const;
  const Header* find(std::string_view name) const;
  /// The first field's value, or empty.
  std::string_view value(HeaderId id) const {
    const Header* field = find(id);
    return field == nullptr ? std::string_view() : field->value;
  }
  std::size_t count(HeaderId id) const;

  /// Adds at the end; name and value must live as long as `arena`.
  void add(Arena& arena, HeaderId id, std::string_view value) {
    add(arena, Header{id, name_of(id), value});
  }
  void add(Arena& arena, std::string_view name, std::string_view value) {
    add(arena, Header{header_id(name), name, value});
  }
  void add(Arena& arena, const Header& field) {
    if (size_ == capacity_) [[unlikely]]
      reserve(arena, size_ < 8 ? 16 : std::size_t{size_} * 2);
    fields_[size_++] = field;
    mask_ |= bit(field.id);
  }
  /// Makes room for `capacity` fields.
  void reserve(Arena& arena, std::size_t capacity);
  /// For a codec that fills many at once: where the next fields go, after `reserve`, and how many
  /// it put there. `ids` has `1 << id` of each.
  Header* room() { return fields_ + size_; }
  void commit(std::size_t count, std::uint64_t ids) {
    size_ += static_cast<std::uint32_t>(count);
    mask_ |= ids & ~(std::uint64_t{1} << static_cast<unsigned>(HeaderId::other));
  }
  /// Removes all fields of that id or name, then adds one.
  void set(Arena& arena, HeaderId id, std::string_view value);
  void set(Arena& arena, std::string_view name, std::string_view value);
  /// Returns how many went.
  std::size_t remove(HeaderId id);
  std::size_t remove(std::string_view name);
  /// Removes the fields for which `predicate(const Header&)` holds.
  template <typename Predicate>
  std::size_t remove_if(Predicate predicate);

  /// A list of its own with the same views: a plain copy shares the array of fields with its
  /// original.
  HeaderList clone(Arena& arena) const;

  /// The codec's word that these bytes are a message head that it has read: lines of token, colon
  /// and value without control bytes. A serializer forwards field lines that lie in there as they
  /// are.
  void vouch(std::string_view block) { vouched_ = block; }
  std::string_view vouched() const { return vouched_; }

 private:
  Header* fields_ = nullptr;
  std::uint32_t size_ = 0;
  std::uint32_t capacity_ = 0;
  std::uint64_t mask_ = 0;
  std::string_view vouched_;
};

template <typename Predicate>
std::size_t HeaderList::remove_if(Predicate predicate) {
  std::uint32_t kept = 0;
  std::uint64_t mask = 0;
  for (std::uint32_t i = 0; i < size_; ++i) {
    if (predicate(static_cast<const Header&>(fields_[i]))) continue;
    mask |= bit(fields_[i].id);
    if (kept != i) fields_[kept] = fields_[i];
    ++kept;
  }
  const std::uint32_t gone = size_ - kept;
  size_ = kept;
  mask_ = mask;
  return gone;
}

/// How a body's end is known. `length` is meant only with Framing::length.
enum class Framing : std::uint8_t { none, length, chunked, until_close };

struct BodySize {
  Framing framing = Framing::none;
  std::uint64_t length = 0;

  bool has_body() const {
    return framing != Framing::none && !(framing == Framing::length && length == 0);
  }
};

/// A request's head after validation. The codec that made it vouches for: the method is known,
/// exactly one host (none only in HTTP/1.0), `path` canonical, framing unambiguous (RFC 9112 §6.3),
/// no control bytes, obs-fold or bad names anywhere.
struct RequestHead {
  Method method = Method::get;
  Version version = Version::http11;
  bool keep_alive = true;        ///< the client allows another request on this connection
  bool expect_continue = false;  ///< Expect: 100-continue was sent (RFC 9110 §10.1.1)
  std::string_view target;       ///< as received (origin form, or the part after the authority)
  std::string_view host;         ///< authority as received: name and port; empty only in HTTP/1.0
  std::string_view path;         ///< canonical: what is routed, authorised *and* forwarded
  std::string_view query;        ///< after '?', without it; empty when there is none
  bool has_query = false;        ///< tells "/a?" from "/a"
  BodySize body;
  HeaderList headers;  ///< includes hop-by-hop and framing fields; the proxy strips them
};

struct ResponseHead {
  int status = 200;
  Version version = Version::http11;
  bool keep_alive = true;  ///< the server allows another request on this connection
  std::string_view reason;
  BodySize body;
  HeaderList headers;
};

}  // namespace gateway::http
