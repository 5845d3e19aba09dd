#pragma once

#include <string_view>

#include "gateway/base/arena.h"
#include "gateway/base/result.h"

namespace gateway {

/// Makes the one path that is routed, authorised and forwarded (RFC 3986 §6.2.2): dot segments
/// resolve,
/// `//` merges when asked, escapes of unreserved characters are decoded, all others stay as sent
/// with upper-case digits untouched. Refused with bad_request: going above the root, an escape that
/// is not two hexadecimal digits, encoded slash, backslash or NUL, a raw backslash or control byte,
/// overlong or otherwise invalid UTF-8 in escapes (CVE-2025-66490, CVE-2026-48020). A path that is
/// canonical already is returned as it is; else the copy lives in `arena`.
Result<std::string_view> canonical_path(std::string_view path, bool merge_slashes, Arena& arena);

/// "name", "name:port", "[v6]:port" of a Host field or :authority; refused when empty, with
/// userinfo, a comma, a space or an invalid port.
struct Authority {
  std::string_view host;  ///< without port and brackets; case as received
  std::string_view port;  ///< empty when absent
};
Result<Authority> parse_authority(std::string_view text);
/// Whether parse_authority takes it.
bool is_authority(std::string_view text);
/// What is_authority() took, without its port; brackets stay.
std::string_view without_port(std::string_view authority);

}  // namespace gateway
