#include "gateway/routing/query.h"

namespace gateway::routing {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  c = static_cast<char>(c | 0x20);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

}  // namespace

std::optional<std::string_view> decode_parameter(std::string_view raw,
                                                 std::span<char, kLongestParameter> buffer) {
  if (raw.size() > kLongestParameter) return std::nullopt;
  if (raw.find_first_of("%+") == std::string_view::npos) return raw;
  std::size_t size = 0;
  for (std::size_t i = 0; i < raw.size(); ++i) {
    char c = raw[i];
    if (c == '+') c = ' ';
    if (c == '%' && raw.size() - i > 2 && hex_digit(raw[i + 1]) >= 0 &&
        hex_digit(raw[i + 2]) >= 0) {
      c = static_cast<char>(hex_digit(raw[i + 1]) << 4 | hex_digit(raw[i + 2]));
      i += 2;
    }
    buffer[size++] = c;
  }
  return std::string_view(buffer.data(), size);
}

}  // namespace gateway::routing
