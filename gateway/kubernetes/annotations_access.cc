#include <string>

#include "gateway/kubernetes/annotation_table.h"

namespace gateway::kubernetes {
namespace {

using config::FieldType;

constexpr std::string_view kAuthTypes[] = {"basic", "digest"};
constexpr std::string_view kSecretTypes[] = {"auth-file", "auth-map"};
constexpr std::string_view kVerifyClient[] = {"on", "off", "optional", "optional_no_ca"};
constexpr std::string_view kSatisfy[] = {"all", "any"};
constexpr std::string_view kMethods[] = {"GET", "HEAD", "POST"};

std::string judge_auth_type(const config::Value& value) {
  if (value.as<std::string>() == "basic") return {};
  return "digest authentication is built on MD5; use auth-type: basic over TLS";
}

std::string judge_secret_type(const config::Value& value) {
  if (value.as<std::string>() == "auth-file") return {};
  return "use auth-secret-type: auth-file, a Secret with an htpasswd file under the key auth";
}

std::string judge_satisfy(const config::Value& value) {
  if (value.as<std::string>() == "all") return {};
  return "all policies must be satisfied, always; use two Ingresses with paths of their own";
}

std::string judge_verify(const config::Value& value) {
  if (value.as<std::string>() != "optional_no_ca") return {};
  return "certificates that nobody verifies say nothing; use optional";
}

std::string judge_realm(const config::Value& value) {
  if (value.as<std::string>().find_first_of("\"\\") == std::string::npos) return {};
  return "a quote or backslash would end it";
}

std::string judge_set_cookie(const config::Value& value) {
  if (!value.as<bool>()) return {};
  return "cookies of a verdict go to the client with a good answer alone";
}

constexpr Annotation kAccess[] = {
    {.field = {.name = "whitelist-source-range",
               .type = FieldType::cidr,
               .text = "Client addresses that may pass; others get 403."},
     .form = Form::list,
     .security = true},
    {.field = {.name = "allowlist-source-range",
               .type = FieldType::cidr,
               .text = "The same under a better name."},
     .form = Form::list,
     .security = true},
    {.field = {.name = "denylist-source-range",
               .type = FieldType::cidr,
               .text = "Client addresses that get 403, even where the other list names them."},
     .form = Form::list,
     .security = true},
    {.field = {.name = "token-auth-upstream",
               .text = "Service that says whether the token of a request is good. It becomes "
                       "private: no route reaches its endpoints any more."},
     .form = Form::service,
     .security = true,
     .ours = true,
     .needs = "token"},
    {.field = {.name = "token-auth-path",
               .type = FieldType::path,
               .text = "Path of the question.",
               .default_text = "/auth"},
     .security = true,
     .ours = true},
    {.field = {.name = "token-auth-allow-ttl",
               .type = FieldType::duration,
               .text = "How long a good token is believed.",
               .default_text = "60s",
               .least = 0,
               .most = 86400},
     .form = Form::seconds,
     .security = true,
     .ours = true},
    {.field = {.name = "token-auth-deny-ttl",
               .type = FieldType::duration,
               .text = "How long a bad token is refused without asking again.",
               .default_text = "10s",
               .least = 0,
               .most = 86400},
     .form = Form::seconds,
     .security = true,
     .ours = true},
    {.field = {.name = "token-auth-stale-ttl",
               .type = FieldType::duration,
               .text = "How much longer a good token is believed while there is no verdict.",
               .default_text = "0s",
               .least = 0,
               .most = 604800},
     .form = Form::seconds,
     .security = true,
     .ours = true},
    {.field = {.name = "token-auth-timeout",
               .type = FieldType::duration,
               .text = "Bound on one question.",
               .default_text = "2s",
               .least = 0.01,
               .most = 60},
     .form = Form::seconds,
     .security = true,
     .ours = true},
    {.field = {.name = "token-auth-realm",
               .text = "For WWW-Authenticate.",
               .default_text = "gateway",
               .most = 128},
     .security = true,
     .ours = true,
     .judge = judge_realm},
    {.field = {.name = "auth-type",
               .type = FieldType::choice,
               .text = "Asks for a name and password.",
               .choices = kAuthTypes},
     .standing = Standing::differs,
     .note = "`digest` is refused.",
     .security = true,
     .needs = "basic_auth",
     .judge = judge_auth_type},
    {.field = {.name = "auth-secret",
               .text = "Secret with an htpasswd file under the key `auth`. While it is missing or "
                       "empty the paths answer 503."},
     .form = Form::secret,
     .standing = Standing::differs,
     .note = "Of the Ingress's own namespace.",
     .security = true},
    {.field = {.name = "auth-secret-type",
               .type = FieldType::choice,
               .text = "How the Secret is laid out.",
               .default_text = "auth-file",
               .choices = kSecretTypes},
     .standing = Standing::differs,
     .note = "`auth-map` is refused.",
     .security = true,
     .judge = judge_secret_type},
    {.field = {.name = "auth-realm", .text = "For WWW-Authenticate.", .most = 128},
     .security = true,
     .judge = judge_realm},
    {.field = {.name = "auth-tls-secret",
               .text = "Secret whose `ca.crt` client certificates are verified by, and whose "
                       "`ca.crl`, if it has one, says which are revoked. While it is missing or "
                       "broken the host answers 503."},
     .form = Form::secret,
     .standing = Standing::differs,
     .note = "Of the Ingress's own namespace. Holds for the whole host, as there; a newer Ingress "
             "that names other authorities for it answers 503 on its paths.",
     .security = true,
     .needs = "client_certificate"},
    {.field = {.name = "auth-tls-verify-client",
               .type = FieldType::choice,
               .text = "Whether a client must show one: 403 without, and over plain HTTP.",
               .default_text = "on",
               .choices = kVerifyClient},
     .standing = Standing::differs,
     .note = "403, not 400; one that does not verify ends the handshake, with `optional` too. "
             "`optional_no_ca` is refused.",
     .security = true,
     .judge = judge_verify},
    {.field = {.name = "auth-tls-verify-depth",
               .type = FieldType::integer,
               .text = "Certificates between it and the authority.",
               .default_text = "1",
               .least = 0,
               .most = 10},
     .security = true},
    {.field = {.name = "auth-tls-pass-certificate-to-upstream",
               .type = FieldType::boolean,
               .text = "The upstream sees the certificate in ssl-client-cert; ssl-client-verify, "
                       "-subject-dn and -issuer-dn in any case.",
               .default_text = "false"},
     .security = true},
    {.field = {.name = "auth-tls-error-page", .text = ""},
     .standing = Standing::refused,
     .note = "Clients without a good certificate get 403, or 421 for a connection of another host.",
     .security = true},
    {.field = {.name = "auth-tls-match-cn", .text = ""},
     .standing = Standing::refused,
     .note = "Names in the subject are not checked; use an authority of its own for those clients.",
     .security = true},
    {.field = {.name = "satisfy",
               .type = FieldType::choice,
               .text = "Whether all policies must be satisfied.",
               .default_text = "all",
               .choices = kSatisfy},
     .standing = Standing::differs,
     .note = "`any` is refused.",
     .security = true,
     .judge = judge_satisfy},
};

constexpr Annotation kExternalAuth[] = {
    {.field = {.name = "auth-url",
               .text = "Asked about each request, without its body: 2xx lets it pass, 401 and 403 "
                       "do not, all else is 503."},
     .form = Form::url,
     .standing = Standing::differs,
     .note =
         "The host is a Service (`NAME.NAMESPACE.svc…`), so that nobody can make the gateway ask "
         "elsewhere; "
         "variables: $host $scheme $request_uri $escaped_request_uri $remote_addr $http_NAME "
         "$cookie_NAME $arg_NAME. Fields and cookies are percent-encoded; $request_uri and "
         "$arg_NAME "
         "stand as they came.",
     .security = true,
     .needs = "external_auth"},
    {.field = {.name = "auth-signin", .text = "Where a client is sent, with 302, after a 401."},
     .form = Form::url,
     .security = true},
    {.field = {.name = "auth-signin-redirect-param",
               .text = "Parameter that tells the sign-in page the way back.",
               .default_text = "rd",
               .most = 64},
     .security = true},
    {.field = {.name = "auth-response-headers",
               .type = FieldType::header,
               .text = "Fields of a 2xx that the upstream sees. From clients they are removed."},
     .form = Form::list,
     .security = true},
    {.field = {.name = "auth-method",
               .type = FieldType::choice,
               .text = "Method of the question.",
               .default_text = "GET",
               .choices = kMethods},
     .security = true},
    {.field = {.name = "auth-request-redirect", .text = ""},
     .standing = Standing::refused,
     .note = "X-Auth-Request-Redirect of the question is where the client wanted to go.",
     .security = true},
    {.field = {.name = "auth-cache-key",
               .text = "What a verdict is remembered by, besides host and path of the Ingress."},
     .standing = Standing::differs,
     .note = "A key without a variable is refused: all clients would have one verdict.",
     .security = true},
    {.field = {.name = "auth-cache-duration",
               .text = "For how long, by status: `200 202 401 5m`.",
               .default_text = "200 202 401 5m"},
     .standing = Standing::differs,
     .note = "Good answers alone are remembered, as long as is said for 200, a day at most.",
     .security = true},
    {.field = {.name = "auth-always-set-cookie",
               .type = FieldType::boolean,
               .text = "Set-Cookie of the verdict goes to the client whatever the answer.",
               .default_text = "false"},
     .standing = Standing::differs,
     .note = "`true` is refused.",
     .security = true,
     .judge = judge_set_cookie},
    {.field = {.name = "enable-global-auth",
               .type = FieldType::boolean,
               .text = "Whether a login that the gateway's own configuration asks for on every "
                       "route is asked for here too.",
               .default_text = "true"},
     .security = true},
    {.field = {.name = "auth-keepalive", .type = FieldType::integer, .text = ""},
     .standing = Standing::passed,
     .note = "Connections are always kept.",
     .security = true},
    {.field = {.name = "auth-keepalive-requests", .type = FieldType::integer, .text = ""},
     .standing = Standing::passed,
     .note = "Connections are always kept.",
     .security = true},
    {.field = {.name = "auth-keepalive-timeout", .type = FieldType::integer, .text = ""},
     .standing = Standing::passed,
     .note = "Connections are always kept.",
     .security = true},
    {.field = {.name = "auth-keepalive-share-vars", .type = FieldType::boolean, .text = ""},
     .standing = Standing::passed,
     .note = "There are no variables to share.",
     .security = true},
    {.field = {.name = "auth-proxy-set-headers", .text = ""},
     .standing = Standing::refused,
     .note = "The question carries the client's fields, X-Original-URL and X-Original-Method; "
             "let the asked Service read those.",
     .security = true},
};

constexpr Annotation kCors[] = {
    {.field = {.name = "enable-cors",
               .type = FieldType::boolean,
               .text = "Answers preflight requests and marks answers for other origins.",
               .default_text = "false"},
     .needs = "cors"},
    {.field = {.name = "cors-allow-origin", .text = "Origins that may.", .default_text = "*"},
     .form = Form::list},
    {.field = {.name = "cors-allow-methods",
               .text = "Methods that they may use.",
               .default_text = "GET, PUT, POST, DELETE, PATCH, OPTIONS"},
     .form = Form::list},
    {.field = {.name = "cors-allow-headers",
               .type = FieldType::header,
               .text = "Header fields that they may send.",
               .default_text = "DNT, Keep-Alive, User-Agent, X-Requested-With, If-Modified-Since, "
                               "Cache-Control, Content-Type, Range, Authorization"},
     .form = Form::list},
    {.field = {.name = "cors-expose-headers",
               .type = FieldType::header,
               .text = "Header fields of answers that they may read."},
     .form = Form::list},
    {.field = {.name = "cors-allow-credentials",
               .type = FieldType::boolean,
               .text = "Whether cookies and Authorization may come along.",
               .default_text = "true"},
     .standing = Standing::differs,
     .note = "Off where any origin may (`*`, `null`), unless it is written out, which is refused."},
    {.field = {.name = "cors-max-age",
               .type = FieldType::duration,
               .text = "How long a preflight's answer holds.",
               .default_text = "1728000s",
               .least = 0,
               .most = 31536000},
     .form = Form::seconds},
};

}  // namespace

std::span<const Annotation> access_annotations() { return kAccess; }
std::span<const Annotation> external_auth_annotations() { return kExternalAuth; }
std::span<const Annotation> cors_annotations() { return kCors; }

}  // namespace gateway::kubernetes
