#include "gateway/base/uri.h"

#include <array>
#include <cstdint>

namespace gateway {
namespace {

enum PathClass : std::uint8_t { kPlain = 0, kDot = 1, kSlash = 2, kPercent = 4, kRefused = 8 };

constexpr std::array<std::uint8_t, 256> make_path_classes() {
  std::array<std::uint8_t, 256> table{};
  for (std::size_t c = 0; c < 256; ++c)
    if (c <= 0x20 || c >= 0x7F) table[c] = kRefused;
  for (const char c : {'\\', '?', '#'}) table[static_cast<unsigned char>(c)] = kRefused;
  table['.'] = kDot;
  table['/'] = kSlash;
  table['%'] = kPercent;
  return table;
}

constexpr std::array<std::uint8_t, 256> kPathClass = make_path_classes();

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// RFC 3986 §2.3.
constexpr bool is_unreserved(char c) {
  return is_alpha(c) || is_digit(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

constexpr int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

tl::unexpected<Error> refuse(const char* why) {
  return failure(ErrorCode::bad_request, Side::downstream, why);
}

// Checks escaped bytes as they come: each multi-byte sequence must be whole, shortest and a scalar
// value (RFC 3629), or two servers could read two different paths.
class Utf8 {
 public:
  bool open() const { return left_ > 0; }

  bool accept(unsigned char byte) {
    if (left_ > 0) {
      if (byte < low_ || byte > high_) return false;
      low_ = 0x80;
      high_ = 0xBF;
      --left_;
      return true;
    }
    if (byte < 0x80) return true;
    if (byte < 0xC2 || byte > 0xF4) return false;
    left_ = byte < 0xE0 ? 1 : byte < 0xF0 ? 2 : 3;
    low_ = byte == 0xE0 ? 0xA0 : byte == 0xF0 ? 0x90 : 0x80;
    high_ = byte == 0xED ? 0x9F : byte == 0xF4 ? 0x8F : 0xBF;
    return true;
  }

 private:
  int left_ = 0;
  unsigned char low_ = 0x80;
  unsigned char high_ = 0xBF;
};

// Writes the canonical form segment by segment: it never gets longer than what was read.
class PathWriter {
 public:
  PathWriter(std::string_view path, bool merge_slashes, Arena& arena)
      : path_(path), merge_(merge_slashes) {
    out_ = static_cast<char*>(arena.allocate(path.size() + 1, 1));
  }

  Result<std::string_view> run() {
    while (at_ < path_.size()) {
      ++at_;  // the slash that begins the segment
      const std::size_t slash = size_;
      out_[size_++] = '/';
      if (const char* why = copy_segment(); why != nullptr) return refuse(why);
      if (!settle_segment(slash)) return refuse("the path leads above the root");
    }
    if (size_ == 0) out_[size_++] = '/';
    return std::string_view(out_, size_);
  }

 private:
  const char* copy_segment() {
    Utf8 utf8;
    while (at_ < path_.size() && path_[at_] != '/') {
      const char c = path_[at_];
      if (c == '%') {
        if (const char* why = copy_escape(utf8); why != nullptr) return why;
        continue;
      }
      if (utf8.open()) return "an escaped UTF-8 sequence is cut short";
      if (kPathClass[static_cast<unsigned char>(c)] == kRefused) return "a byte no path may hold";
      out_[size_++] = c;
      ++at_;
    }
    return utf8.open() ? "an escaped UTF-8 sequence is cut short" : nullptr;
  }

  const char* copy_escape(Utf8& utf8) {
    if (at_ + 2 >= path_.size()) return "an escape is cut short";
    const int high = hex_value(path_[at_ + 1]);
    const int low = hex_value(path_[at_ + 2]);
    if (high < 0 || low < 0) return "an escape is not hexadecimal";
    const char c = static_cast<char>(high * 16 + low);
    if (c == '\0' || c == '/' || c == '\\') return "an escaped slash, backslash or NUL";
    if (utf8.open() && (c & 0x80) == 0) return "an escaped UTF-8 sequence is cut short";
    if (!utf8.accept(static_cast<unsigned char>(c))) return "an escape is not UTF-8";
    if (is_unreserved(c)) {
      out_[size_++] = c;
    } else {
      for (std::size_t i = 0; i < 3; ++i) out_[size_++] = path_[at_ + i];
    }
    at_ += 3;
    return nullptr;
  }

  // Takes back what the segment that begins at `slash` cancels; false: it goes above the root.
  bool settle_segment(std::size_t slash) {
    const std::string_view segment(out_ + slash + 1, size_ - slash - 1);
    const bool last = at_ == path_.size();
    if (segment.empty()) {
      if (merge_ && !last) size_ = slash;
      return true;
    }
    if (segment != "." && segment != "..") return true;
    if (segment == "..") {
      if (slash == 0) return false;
      size_ = std::string_view(out_, slash).rfind('/');
    } else {
      size_ = slash;
    }
    if (last) out_[size_++] = '/';
    return true;
  }

  std::string_view path_;
  bool merge_;
  char* out_;
  std::size_t at_ = 0;
  std::size_t size_ = 0;
};

bool is_port(std::string_view port) {
  if (port.empty() || port.size() > 5) return false;
  unsigned number = 0;
  for (const char c : port) {
    if (!is_digit(c)) return false;
    number = number * 10 + static_cast<unsigned>(c - '0');
  }
  return number <= 65535;
}

}  // namespace

Result<std::string_view> canonical_path(std::string_view path, bool merge_slashes, Arena& arena) {
  if (path.empty() || path.front() != '/') return refuse("the path does not begin with a slash");
  unsigned seen = 0;
  unsigned before = kPlain;
  for (const char c : path) {
    const unsigned now = kPathClass[static_cast<unsigned char>(c)];
    // Only a dot or slash after a slash can begin something to resolve.
    seen |= (now & (kPercent | kRefused)) | (before == kSlash ? now & (kDot | kSlash) : 0U);
    before = now;
  }
  if (seen == 0) return path;
  if ((seen & kRefused) != 0) return refuse("a byte no path may hold");
  return PathWriter(path, merge_slashes, arena).run();
}

namespace {

// RFC 3986 allows more in a registered name; no DNS name needs it, and some of it hides hosts.
constexpr std::array<bool, 256> make_host_bytes(bool address) {
  std::array<bool, 256> table{};
  for (std::size_t c = 0; c < 256; ++c) {
    const char byte = static_cast<char>(c);
    table[c] = address ? hex_value(byte) >= 0 || byte == ':' || byte == '.' : is_unreserved(byte);
  }
  return table;
}

constexpr std::array<bool, 256> kNameByte = make_host_bytes(false);
constexpr std::array<bool, 256> kAddressByte = make_host_bytes(true);

bool split_authority(std::string_view text, Authority& authority) {
  const bool bracketed = !text.empty() && text.front() == '[';
  const auto& allowed = bracketed ? kAddressByte : kNameByte;
  const std::size_t begin = bracketed ? 1 : 0;
  std::size_t end = begin;
  while (end < text.size() && allowed[static_cast<unsigned char>(text[end])]) ++end;
  if (end == begin) return false;
  authority.host = text.substr(begin, end - begin);
  if (bracketed && (end == text.size() || text[end++] != ']')) return false;
  if (end == text.size()) return true;
  if (text[end] != ':') return false;
  authority.port = text.substr(end + 1);
  return is_port(authority.port);
}

}  // namespace

Result<Authority> parse_authority(std::string_view text) {
  Authority authority;
  if (!split_authority(text, authority)) return refuse("the host is malformed");
  return authority;
}

bool is_authority(std::string_view text) {
  Authority authority;
  return split_authority(text, authority);
}

std::string_view without_port(std::string_view authority) {
  if (authority.starts_with('[')) return authority.substr(0, authority.find(']') + 1);
  return authority.substr(0, authority.find(':'));
}

}  // namespace gateway
