#include <cctype>
#include <string>

#include "gateway/kubernetes/annotation_table.h"

namespace gateway::kubernetes {
namespace {

using config::FieldType;
using config::Value;

constexpr std::string_view kProtocols[] = {"HTTP", "HTTPS", "AUTO_HTTP", "GRPC", "GRPCS",
                                           "FCGI", "http",  "https",     "grpc", "grpcs"};
constexpr std::string_view kAffinity[] = {"cookie"};
constexpr std::string_view kAffinityModes[] = {"balanced", "persistent"};
constexpr std::string_view kCanaryBehaviors[] = {"sticky", "legacy"};
constexpr std::string_view kSameSite[] = {"None", "Lax", "Strict"};
constexpr std::string_view kBalancers[] = {"round_robin", "ewma", "least_request", "random",
                                           "weighted"};

std::string judge_protocol(const Value& value) {
  const std::string& protocol = value.as<std::string>();
  if (protocol == "FCGI") return "FastCGI is not spoken; put a web server before the application";
  if (protocol == "AUTO_HTTP") return "name the protocol: HTTP or HTTPS";
  if (std::tolower(static_cast<unsigned char>(protocol.front())) == 'g')
    return "gRPC is not supported yet: it needs HTTP/2 to endpoints";
  return {};
}

std::string judge_service_upstream(const Value& value) {
  if (!value.as<bool>()) return {};
  return "traffic goes to pods, never through the Service's address; leave the annotation out";
}

std::string judge_true(const Value& value) {
  if (!value.as<bool>()) return {};
  return "refused unless false";
}

constexpr Annotation kUpstreams[] = {
    {.field = {.name = "load-balance",
               .type = FieldType::choice,
               .text = "Which endpoint comes next.",
               .default_text = "least_request",
               .choices = kBalancers},
     .standing = Standing::differs,
     .note = "The default is least_request (there: round_robin); `ewma` means least_request."},
    {.field = {.name = "upstream-hash-by",
               .text = "Equal values go to the same endpoint: `$remote_addr`, `$http_NAME` or "
                       "`$cookie_NAME`."},
     .standing = Standing::differs,
     .note = "One of these variables alone; others are refused."},
    {.field = {.name = "affinity",
               .type = FieldType::choice,
               .text = "Keeps a client on its endpoint by a cookie.",
               .choices = kAffinity},
     .needs = "balancer cookie"},
    {.field = {.name = "affinity-mode",
               .type = FieldType::choice,
               .text = "",
               .default_text = "balanced",
               .choices = kAffinityModes},
     .standing = Standing::passed,
     .note = "A client stays while its endpoint does, as with `persistent`."},
    {.field = {.name = "affinity-canary-behavior",
               .type = FieldType::choice,
               .text = "",
               .default_text = "sticky",
               .choices = kCanaryBehaviors},
     .standing = Standing::passed,
     .note = "Canaries are chosen anew for each request, as with `legacy`."},
    {.field = {.name = "session-cookie-name",
               .type = FieldType::header,
               .text = "Name of the cookie.",
               .default_text = "INGRESSCOOKIE"}},
    {.field = {.name = "session-cookie-path",
               .type = FieldType::path,
               .text = "Path of the cookie.",
               .default_text = "/"},
     .standing = Standing::differs,
     .note = "The default is `/` (there: the path of the rule)."},
    {.field = {.name = "session-cookie-domain",
               .type = FieldType::host,
               .text = "Domain of the cookie."}},
    {.field = {.name = "session-cookie-max-age",
               .type = FieldType::duration,
               .text = "How long a browser keeps it.",
               .least = 1,
               .most = 315360000},
     .form = Form::seconds},
    {.field = {.name = "session-cookie-expires",
               .type = FieldType::duration,
               .text = "The same, for browsers of the last century.",
               .least = 1,
               .most = 315360000},
     .form = Form::seconds,
     .standing = Standing::differs,
     .note = "Written as Max-Age; session-cookie-max-age goes before it."},
    {.field = {.name = "session-cookie-samesite",
               .type = FieldType::choice,
               .text = "Whether it goes along from other sites.",
               .choices = kSameSite}},
    {.field = {.name = "session-cookie-secure",
               .type = FieldType::boolean,
               .text = "Over TLS only."}},
    {.field = {.name = "session-cookie-conditional-samesite-none",
               .type = FieldType::boolean,
               .text = ""},
     .standing = Standing::passed,
     .note = "Browsers that could not read SameSite=None are gone."},
    {.field = {.name = "session-cookie-change-on-failure", .type = FieldType::boolean, .text = ""},
     .standing = Standing::passed,
     .note = "A client whose endpoint fails goes to another."},
    {.field = {.name = "backend-protocol",
               .type = FieldType::choice,
               .text = "What endpoints speak: HTTP or HTTPS.",
               .default_text = "HTTP",
               .choices = kProtocols},
     .standing = Standing::differs,
     .note = "With HTTPS certificates are verified unless proxy-ssl-verify is off. GRPC and GRPCS "
             "are refused until endpoints can be spoken to in HTTP/2.",
     .judge = judge_protocol},
    {.field = {.name = "proxy-ssl-verify",
               .type = FieldType::choice,
               .text = "Verify the endpoint's certificate and name.",
               .default_text = "on",
               .choices = kOnOff},
     .standing = Standing::differs,
     .note = "On by default (there: off)."},
    {.field = {.name = "proxy-ssl-name",
               .type = FieldType::host,
               .text = "The name that is asked for and verified.",
               .default_text = "SERVICE.NAMESPACE.svc"}},
    {.field = {.name = "proxy-ssl-server-name",
               .type = FieldType::choice,
               .text = "",
               .choices = kOnOff},
     .standing = Standing::passed,
     .note = "The name is always asked for."},
    {.field = {.name = "proxy-ssl-secret",
               .text = "Secret with who signs for endpoints (`ca.crt`; else the system's "
                       "authorities), our own certificate for them (`tls.crt` with `tls.key`), or "
                       "both."},
     .form = Form::secret,
     .standing = Standing::differs,
     .note = "While it cannot be had, the paths answer 503.",
     .security = true},
    {.field = {.name = "proxy-ssl-verify-depth", .type = FieldType::integer, .text = ""},
     .standing = Standing::passed,
     .note = "Chains of any length are verified."},
    {.field = {.name = "proxy-ssl-ciphers", .text = ""},
     .standing = Standing::refused,
     .note = "Endpoints are spoken to with forward secret AEAD ciphers."},
    {.field = {.name = "proxy-ssl-protocols", .text = ""},
     .standing = Standing::refused,
     .note = "Endpoints are spoken to in TLS 1.2 and 1.3."},
    {.field = {.name = "service-upstream",
               .type = FieldType::boolean,
               .text = "",
               .default_text = "false"},
     .standing = Standing::differs,
     .note = "Refused when true: traffic goes to pods, never through the Service's address.",
     .judge = judge_service_upstream},
    {.field = {.name = "health-check-path",
               .type = FieldType::path,
               .text = "Asks each endpoint for this path how it is; 2xx is healthy."},
     .ours = true},
    {.field = {.name = "health-check-host",
               .type = FieldType::host,
               .text = "Host of the question."},
     .ours = true},
    {.field = {.name = "health-check-interval",
               .type = FieldType::duration,
               .text = "Between two questions.",
               .default_text = "5s",
               .least = 0.05,
               .most = 3600},
     .form = Form::seconds,
     .ours = true},
    {.field = {.name = "health-check-timeout",
               .type = FieldType::duration,
               .text = "For an answer.",
               .default_text = "1s",
               .least = 0.01,
               .most = 300},
     .form = Form::seconds,
     .ours = true},
    {.field = {.name = "health-check-healthy-after",
               .type = FieldType::integer,
               .text = "Good answers in a row that make it healthy.",
               .default_text = "1",
               .least = 1,
               .most = 100},
     .ours = true},
    {.field = {.name = "health-check-unhealthy-after",
               .type = FieldType::integer,
               .text = "Bad answers in a row that make it unhealthy.",
               .default_text = "3",
               .least = 1,
               .most = 100},
     .ours = true},
    {.field = {.name = "slow-start",
               .type = FieldType::duration,
               .text = "A new endpoint reaches its full share after so long.",
               .default_text = "0s",
               .least = 0,
               .most = 3600},
     .form = Form::seconds,
     .ours = true},
};

constexpr std::string_view kNoSnippets =
    "Text is never spliced into a configuration; use the annotations of this page, or a filter in "
    "the gateway's own configuration.";
constexpr std::string_view kNoFirewall =
    "There is no web application firewall; put one before the gateway.";
constexpr std::string_view kNoMirror = "Requests are not mirrored; use a canary.";

constexpr Annotation kRefusedOnes[] = {
    {.field = {.name = "configuration-snippet", .text = ""},
     .standing = Standing::refused,
     .note = kNoSnippets,
     .security = true},
    {.field = {.name = "server-snippet", .text = ""},
     .standing = Standing::refused,
     .note = kNoSnippets,
     .security = true},
    {.field = {.name = "stream-snippet", .text = ""},
     .standing = Standing::refused,
     .note = kNoSnippets,
     .security = true},
    {.field = {.name = "auth-snippet", .text = ""},
     .standing = Standing::refused,
     .note = kNoSnippets,
     .security = true},
    {.field = {.name = "modsecurity-snippet", .text = ""},
     .standing = Standing::refused,
     .note = kNoFirewall,
     .security = true},
    {.field = {.name = "enable-modsecurity", .type = FieldType::boolean, .text = ""},
     .standing = Standing::refused,
     .note = kNoFirewall,
     .security = true,
     .judge = judge_true},
    {.field = {.name = "enable-owasp-core-rules", .type = FieldType::boolean, .text = ""},
     .standing = Standing::refused,
     .note = kNoFirewall,
     .security = true,
     .judge = judge_true},
    {.field = {.name = "modsecurity-transaction-id", .text = ""},
     .standing = Standing::refused,
     .note = kNoFirewall,
     .security = true},
    {.field = {.name = "ssl-passthrough", .type = FieldType::boolean, .text = ""},
     .standing = Standing::refused,
     .note = "TLS ends at the gateway; use backend-protocol: HTTPS to encrypt the rest of the way.",
     .judge = judge_true},
    {.field = {.name = "ssl-ciphers", .text = ""},
     .standing = Standing::refused,
     .note = "Ciphers belong to a listener: tls.ciphers of the gateway's own configuration.",
     .security = true},
    {.field = {.name = "ssl-prefer-server-ciphers",
               .type = FieldType::choice,
               .text = "",
               .choices = kOnOff},
     .standing = Standing::passed,
     .note = "Every cipher that we take is a good one."},
    {.field = {.name = "mirror-target", .text = ""},
     .standing = Standing::refused,
     .note = kNoMirror},
    {.field = {.name = "mirror-request-body", .text = ""},
     .standing = Standing::refused,
     .note = kNoMirror},
    {.field = {.name = "mirror-host", .text = ""},
     .standing = Standing::refused,
     .note = kNoMirror},
    {.field = {.name = "upstream-hash-by-subset", .type = FieldType::boolean, .text = ""},
     .standing = Standing::refused,
     .note = "Use upstream-hash-by alone.",
     .judge = judge_true},
    {.field = {.name = "upstream-hash-by-subset-size", .type = FieldType::integer, .text = ""},
     .standing = Standing::passed,
     .note = "There are no subsets."},
};

}  // namespace

std::span<const Annotation> upstream_annotations() { return kUpstreams; }
std::span<const Annotation> refused_annotations() { return kRefusedOnes; }

}  // namespace gateway::kubernetes
