#include "gateway/metrics/redact.h"

#include <algorithm>
#include <array>

namespace gateway {
namespace {

constexpr std::array<std::string_view, 13> kAnywhere = {
    "token", "secret", "passw",   "signature",  "apikey",    "-key",  "_key",
    "auth",  "jwt",    "session", "credential", "assertion", "cookie"};
constexpr std::array<std::string_view, 6> kWhole = {"key", "sig", "code", "pwd", "pass", "sid"};
constexpr std::size_t kLongestName = 64;

}  // namespace

bool is_secret_parameter(std::string_view name) {
  // No honest name is that long: better one value too many hidden.
  if (name.size() > kLongestName) return true;
  char lower[kLongestName];
  for (std::size_t i = 0; i < name.size(); ++i) {
    const char byte = name[i];
    if (byte == '%') return true;
    lower[i] = byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte | 0x20) : byte;
  }
  const std::string_view text(lower, name.size());
  return std::find(kWhole.begin(), kWhole.end(), text) != kWhole.end() ||
         std::any_of(kAnywhere.begin(), kAnywhere.end(), [text](std::string_view word) {
           return text.find(word) != std::string_view::npos;
         });
}

}  // namespace gateway
