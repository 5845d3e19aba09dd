#include "gateway/routing/redirect.h"

#include <algorithm>
#include <charconv>

#include "gateway/routing/rewrite.h"

namespace gateway::routing {
namespace {

struct Place {
  std::string_view host;  ///< with the brackets of an IPv6 address
  std::string_view port;  ///< empty when absent
};

Place split(std::string_view authority) {
  const auto at = authority.find_last_of(":]");
  if (at == std::string_view::npos || authority[at] == ']') return {authority, {}};
  return {authority.substr(0, at), authority.substr(at + 1)};
}

std::string_view default_port(std::string_view scheme) { return scheme == "https" ? "443" : "80"; }

std::string_view port_text(std::uint16_t port, Arena& arena) {
  char* const text = arena.make_array<char>(5);
  const auto end = std::to_chars(text, text + 5, port).ptr;
  return {text, static_cast<std::size_t>(end - text)};
}

// Visible ASCII and what lies beyond: no control, space or delete.
bool is_safe(std::string_view location) {
  return std::none_of(location.begin(), location.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte <= 0x20 || byte == 0x7f;
  });
}

Result<std::string_view> location_of(const config::Redirect& to, const Match& match,
                                     const http::RequestHead& request, bool tls, Arena& arena) {
  const std::string_view was = tls ? "https" : "http";
  const std::string_view scheme = to.scheme.empty() ? was : std::string_view(to.scheme);
  const Place asked = split(request.host);
  const std::string_view host = to.host.empty() ? asked.host : std::string_view(to.host);
  std::string_view port;
  if (to.port) {
    port = port_text(*to.port, arena);
  } else if (scheme == was && to.host.empty()) {
    port = asked.port;
  }
  if (port == default_port(scheme)) port = {};

  std::string_view path = request.path;
  if (to.path) path = *to.path;
  if (to.prefix) path = replace_prefix(match, *to.prefix, path, arena);
  const std::string_view location = arena.concat(scheme, "://", host, port.empty() ? "" : ":", port,
                                                 path, request.has_query ? "?" : "", request.query);
  if (host.empty() || !is_safe(location)) {
    return failure(ErrorCode::bad_request, Side::downstream,
                   "route '" + match.route->name() + "' has no location to redirect to");
  }
  return location;
}

}  // namespace

Result<std::string_view> redirect_location(const Match& match, const http::RequestHead& request,
                                           bool tls, Arena& arena) {
  return location_of(*match.route->model.redirect, match, request, tls, arena);
}

Result<std::string_view> https_location(const Match& match, const http::RequestHead& request,
                                        Arena& arena) {
  static const config::Redirect https{.scheme = "https"};
  return location_of(https, match, request, false, arena);
}

}  // namespace gateway::routing
