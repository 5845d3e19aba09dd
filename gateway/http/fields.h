#pragma once

#include <string_view>

#include "gateway/http/message.h"

namespace gateway::http {

/// RFC 9110 §5.6.2 and §5.5: what may stand in a name, and in a value.
bool is_token(std::string_view text);
bool is_field_value(std::string_view text);

/// Without case (ASCII).
bool equals_ignoring_case(std::string_view a, std::string_view b);
/// Without case, and with `_` as `-`: to CGI and its heirs both are one variable (RFC 3875
/// §4.1.18).
bool same_variable(std::string_view a, std::string_view b);

/// Calls `visit(std::string_view item)` for each member of a comma-separated list (RFC 9110
/// §5.6.1).
template <typename Visit>
void for_each_list_item(std::string_view list, Visit visit) {
  while (!list.empty()) {
    const auto comma = list.find(',');
    std::string_view item = list.substr(0, comma);
    list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
    while (!item.empty() && (item.front() == ' ' || item.front() == '\t')) item.remove_prefix(1);
    while (!item.empty() && (item.back() == ' ' || item.back() == '\t')) item.remove_suffix(1);
    if (!item.empty()) visit(item);
  }
}

/// True for fields that belong to one connection only (RFC 9110 §7.6.1): Connection, Keep-Alive,
/// Proxy-Connection, TE, Trailer, Transfer-Encoding, Upgrade, Proxy-Authorization,
/// Proxy-Authenticate.
bool is_hop_by_hop(HeaderId id);

/// Removes hop-by-hop fields and those that Connection names. Host, Authorization, Content-Length,
/// Cookie, the forwarded family and the other fields that protect something are never removed by
/// being named there (CVE-2024-45410). Call before the gateway adds its own fields.
void strip_hop_by_hop(HeaderList& headers);

/// Fields that must not come as trailers (RFC 9110 §6.5.1).
bool is_forbidden_trailer(const Header& field);

}  // namespace gateway::http
