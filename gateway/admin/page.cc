#include "gateway/admin/page.h"

#include <sys/random.h>

#include <array>
#include <string_view>

#include "gateway/base/check.h"

namespace gateway::admin {
namespace {

constexpr std::string_view kPage =
#include "page_text.inc"
    ;
constexpr std::string_view kPlaceholder = "{{nonce}}";

std::string random_hex() {
  std::array<unsigned char, 16> bytes;
  GATEWAY_CHECK(getrandom(bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()));
  std::string text;
  for (const unsigned char byte : bytes) {
    text.push_back("0123456789abcdef"[byte >> 4]);
    text.push_back("0123456789abcdef"[byte & 15]);
  }
  return text;
}

}  // namespace

WatchPage watch_page() {
  const std::string nonce = random_hex();
  WatchPage page;
  std::string_view rest = kPage;
  for (std::size_t at; (at = rest.find(kPlaceholder)) != std::string_view::npos;) {
    page.html.append(rest.substr(0, at)).append(nonce);
    rest.remove_prefix(at + kPlaceholder.size());
  }
  page.html.append(rest);
  page.policy =
      "default-src 'none'; script-src 'nonce-" + nonce + "'; style-src 'nonce-" + nonce +
      "'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
  return page;
}

}  // namespace gateway::admin
