#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/result.h"
#include "gateway/filter/filter.h"

namespace gateway::filter {

/// "https" or "http", as the client sees it: a trusted proxy may have taken TLS off. Of several
/// words in X-Forwarded-Proto the last counts, which is the nearest proxy's; wss is https.
std::string_view client_scheme(const RequestContext& context);
/// Path and query of the request, as they are authorised: the canonical path and the query as it
/// came; in the context's arena or the request.
std::string_view request_uri(const RequestContext& context);
/// Every byte but letters, digits and `-._~` as %XX (RFC 3986 §2.1), in the arena.
std::string_view percent_encode(std::string_view text, Arena& arena);

/// A text with variables of the request, of a closed list (ingress-nginx's): `$host` (no port),
/// `$scheme`, `$request_uri`, `$escaped_request_uri`, `$remote_addr`, `$http_NAME`, `$cookie_NAME`
/// and `$arg_NAME`, or with braces, `${host}`. No other dollar may stand in it. Immutable.
class RequestText {
 public:
  static Result<RequestText> compile(std::string_view text);

  /// Whether it is the same for every request.
  bool constant() const;
  /// As part of a URL. Fields and cookies are percent-encoded, so that they stay where they stand.
  /// What was part of a URL stays as it was there, nothing decoded and nothing encoded: `$arg_NAME`
  /// is the value between '=' and '&' in the query as it came (there may be '/', '?' and '..' in
  /// it), and `$request_uri` brings the '?' and '&' of its own query along; as the value of one
  /// parameter take `$escaped_request_uri`. What is absent or there twice is empty. In the
  /// context's arena.
  std::string_view url(const RequestContext& context) const;
  /// Appends to `key` each part as it came, nothing encoded, with its length, so that no two
  /// sequences of values make one key. False when a variable is absent or a field, cookie or
  /// parameter stands there twice.
  bool append_key(const RequestContext& context, std::string& key) const;

 private:
  enum class Kind : std::uint8_t {
    literal,
    host,
    scheme,
    request_uri,
    escaped_request_uri,
    remote_address,
    field,
    cookie,
    argument,
  };
  struct Part {
    Kind kind = Kind::literal;
    std::string text;  ///< the literal, or NAME
  };

  static bool parse_variable(std::string_view name, Part& part);
  static std::optional<std::string_view> value(const Part& part, const RequestContext& context);

  std::vector<Part> parts_;
};

}  // namespace gateway::filter
