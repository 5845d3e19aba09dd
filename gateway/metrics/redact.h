#pragma once

#include <string_view>

namespace gateway {

/// Whether the value of a query parameter must not reach a log: its name speaks of a token, secret,
/// password, signature, key, session or credential, in any case of letters. A name with percent
/// escapes counts too, because it may spell one of those.
bool is_secret_parameter(std::string_view name);

/// Calls `visit(text, secret)` for the pieces of a raw query in order, which end at '&' or, for old
/// CGI and Java servers, at ';'. Pieces that are secret are the values (without '=') of such
/// parameters. Concatenated they are the query.
template <typename Visit>
void split_query(std::string_view query, Visit visit) {
  while (!query.empty()) {
    const std::size_t end = query.find_first_of("&;");
    const std::string_view parameter = query.substr(0, end);
    const std::size_t equals = parameter.find('=');
    if (equals == std::string_view::npos || !is_secret_parameter(parameter.substr(0, equals))) {
      visit(parameter, false);
    } else {
      visit(parameter.substr(0, equals + 1), false);
      visit(parameter.substr(equals + 1), true);
    }
    if (end == std::string_view::npos) return;
    visit(query.substr(end, 1), false);
    query.remove_prefix(end + 1);
  }
}

}  // namespace gateway
