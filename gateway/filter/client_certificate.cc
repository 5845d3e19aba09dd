#include <fmt/format.h>

#include <array>
#include <memory>
#include <string>

#include "gateway/base/uri.h"
#include "gateway/config/named_files.h"
#include "gateway/filter/filter.h"
#include "gateway/filter/request_text.h"
#include "gateway/http/fields.h"

namespace gateway::filter {
namespace client_certificate {
namespace {

using config::FieldType;

constexpr std::size_t kMostAuthorities = 1U << 20;

constexpr config::Field kFields[] = {
    {.name = "ca_file",
     .type = FieldType::file,
     .text = "PEM file of the authorities that sign clients' certificates, and of their revocation "
             "lists if there are any; read again when it changes. With a list every certificate of "
             "a chain must be covered by one.",
     .exclusive = "set of authorities",
     .one_needed = true,
     .pem = "CERTIFICATE"},
    {.name = "ca",
     .type = FieldType::string,
     .text = "The same as text.",
     .exclusive = "set of authorities",
     .one_needed = true,
     .multiline = true},
    {.name = "crl",
     .type = FieldType::string,
     .text = "Revocation lists as text, beside `ca`; those of a `ca_file` stand in the file.",
     .multiline = true},
    {.name = "required",
     .type = FieldType::boolean,
     .text = "Whether a client without a certificate gets 403, or passes and the upstream is told.",
     .default_text = "true"},
    {.name = "depth",
     .type = FieldType::integer,
     .text = "Certificates between the client's and the authority's.",
     .default_text = "1",
     .least = 0,
     .most = 10},
    {.name = "pass",
     .type = FieldType::boolean,
     .text = "Whether the upstream sees the certificate, as PEM with %XX, in ssl-client-cert.",
     .default_text = "false"},
};

struct Settings {
  std::shared_ptr<const net::ClientAuthority> authority;
  std::string ca_file;  ///< empty: it came as text
  bool required = true;
  bool pass = false;
};

// Names that ingress-nginx has made known to applications.
constexpr std::string_view kVerify = "ssl-client-verify";
constexpr std::string_view kSubject = "ssl-client-subject-dn";
constexpr std::string_view kIssuer = "ssl-client-issuer-dn";
constexpr std::string_view kCertificate = "ssl-client-cert";

std::span<const std::string> told_headers() {
  static const std::array<std::string, 4> names{std::string(kVerify), std::string(kSubject),
                                                std::string(kIssuer), std::string(kCertificate)};
  return names;
}

/// The handshake asked for a certificate and verified what came, by the authorities of the host
/// that it was for. Here it is seen to that the request is for that host, and that those were this
/// route's authorities: who was let in elsewhere, or before a change, is asked anew.
class ClientCertificate final : public Filter {
 public:
  explicit ClientCertificate(const Settings& settings) : settings_(settings) {}

  Verdict on_request(RequestContext& context) override {
    const net::TlsFacts& tls = *context.connection.tls;
    if (tls.is_tls && !is_of_this_handshake(context, tls)) {
      context.reply.close = true;
      context.reply.text = "This connection was opened for another host, or before a change.";
      context.reply.code = ErrorCode::misdirected;
      return Verdict::reply;
    }
    if (!tls.client_verified && settings_.required) {
      context.reply.text = "A client certificate is needed.";
      context.reply.code = ErrorCode::forbidden;
      return Verdict::reply;
    }
    tell_upstream(context, tls);
    return Verdict::proceed;
  }

 private:
  bool is_of_this_handshake(const RequestContext& context, const net::TlsFacts& tls) const {
    return http::equals_ignoring_case(without_port(context.request.host), tls.server_name) &&
           tls.client_authority == settings_.authority->identity_bytes();
  }

  void tell_upstream(RequestContext& context, const net::TlsFacts& tls) const {
    http::HeaderList& headers = context.request.headers;
    headers.add(context.arena, kVerify, tls.client_verified ? "SUCCESS" : "NONE");
    if (!tls.client_verified) return;
    const net::ClientCertificate& certificate = *tls.client_certificate;
    headers.add(context.arena, kSubject, certificate.subject);
    headers.add(context.arena, kIssuer, certificate.issuer);
    if (settings_.pass)
      headers.add(context.arena, kCertificate, percent_encode(certificate.pem, context.arena));
  }

  const Settings& settings_;
};

Result<std::string> read_authorities(const std::string& path) {
  auto text = config::read_file(path, kMostAuthorities);
  if (!text) return failure(ErrorCode::io_error, Side::internal, std::move(text.error()));
  return std::move(*text);
}

class ClientCertificatePlan final : public Plan {
 public:
  explicit ClientCertificatePlan(Settings settings) : settings_(std::move(settings)) {}
  unsigned hooks() const override { return kOnRequest; }
  std::span<const std::string> identity_headers() const override { return told_headers(); }
  bool current() const override {
    if (settings_.ca_file.empty()) return true;
    const auto text = read_authorities(settings_.ca_file);
    return text && *text == settings_.authority->pem();
  }
  std::shared_ptr<const net::ClientAuthority> client_authority() const override {
    return settings_.authority;
  }
  std::unique_ptr<Filter> bind(WorkerServices& /*services*/) const override {
    return std::make_unique<ClientCertificate>(settings_);
  }

 private:
  Settings settings_;
};

Result<std::string> authorities_of(const config::Value& value) {
  if (!value["ca"].is_set()) return read_authorities(value["ca_file"].as<std::string>());
  std::string text = value["ca"].as<std::string>();
  if (value["crl"].is_set()) text.append("\n").append(value["crl"].as<std::string>());
  return text;
}

Result<std::shared_ptr<const net::ClientAuthority>> authority_of(const config::Value& value) {
  const Result<std::string> text = authorities_of(value);
  if (!text) return tl::make_unexpected(text.error());
  auto authority =
      net::ClientAuthority::parse(*text, static_cast<int>(value["depth"].as<std::int64_t>()));
  if (!authority)
    return failure(ErrorCode::invalid_argument, Side::internal,
                   "the authorities of clients: " + authority.error().detail);
  return authority;
}

// A file may change until it is read for good.
std::string check(const config::Value& value) {
  if (!value["ca"].is_set())
    return value["crl"].is_set() ? "crl stands beside ca; those of a ca_file are in the file" : "";
  const auto authority = authority_of(value);
  return authority ? std::string() : authority.error().detail;
}

// Equal ones are one, however many routes ask by them.
std::shared_ptr<const net::ClientAuthority> shared(const net::ClientAuthority& authority,
                                                   CompileServices& services) {
  return services.shared_state<net::ClientAuthority>(
      fmt::format("client_certificate/{:02x}", fmt::join(authority.identity(), "")), authority);
}

Result<std::shared_ptr<const Plan>> compile(const config::Value& value, CompileServices& services) {
  auto authority = authority_of(value);
  if (!authority) return tl::make_unexpected(authority.error());
  Settings settings{
      shared(**authority, services), {}, value["required"].as<bool>(), value["pass"].as<bool>()};
  if (!value["ca"].is_set()) settings.ca_file = value["ca_file"].as<std::string>();
  return std::make_shared<const ClientCertificatePlan>(std::move(settings));
}

}  // namespace
}  // namespace client_certificate

extern const FilterType kClientCertificate = {
    {"client_certificate",
     "Lets a request pass with a client certificate of certain authorities: for the hosts of its "
     "routes TLS asks for one and verifies it, and a connection that was opened for another host "
     "gets 421. On a listener with `client_certificates` of its own, everybody gets that.",
     client_certificate::kFields, client_certificate::check},
    client_certificate::compile,
    true};

}  // namespace gateway::filter
