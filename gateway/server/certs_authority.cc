#include "gateway/server/certs_authority.h"

#include <fmt/format.h>

#include "gateway/base/file.h"

namespace gateway::server {
namespace {

constexpr const char* kBeginAnew =
    "put the right one back, or begin anew with --force-ca, after which every certificate is "
    "renewed";

tl::unexpected<Error> unusable_authority(const std::string& path, std::string_view why) {
  return invalid_argument(fmt::format("{}: {}: {}", path, why, kBeginAnew));
}

}  // namespace

Result<std::optional<std::string>> read_if_there(const std::string& path) {
  auto text = read_file(path);
  if (text) return std::optional(std::move(*text));
  if (text.error().code == ErrorCode::not_found) return std::optional<std::string>();
  return tl::make_unexpected(text.error());
}

Result<CertsAuthority> CertsAuthority::read(const std::string& path, std::time_t now) {
  const auto certificate = read_if_there(path + ".crt");
  if (!certificate) return tl::make_unexpected(certificate.error());
  const auto key = read_if_there(path + ".key");
  if (!key) return tl::make_unexpected(key.error());
  if (!*certificate) return unusable_authority(path + ".crt", "there is a key without it");

  CertsAuthority authority;
  authority.path_ = path;
  authority.trusted_ = net::certificates_of(**certificate);
  if (authority.trusted_.empty())
    return unusable_authority(path + ".crt", "it holds no certificate");
  const auto facts = net::issued_facts(authority.trusted_.front());
  if (!facts) return unusable_authority(path + ".crt", facts.error().detail);
  authority.not_after_ = facts->not_after;
  if (facts->not_after <= now) return unusable_authority(path + ".crt", "it has ended");
  if (!*key) return authority;
  auto signer = net::CertificateAuthority::parse({authority.trusted_.front(), **key});
  if (!signer) return unusable_authority(path + ".key", signer.error().detail);
  authority.signer_ = std::move(*signer);
  return authority;
}

Result<CertsAuthority> CertsAuthority::make(const std::string& path, const std::string& title,
                                            const std::string& before, std::time_t now) {
  auto signer = net::CertificateAuthority::make(title, now, kLife);
  if (!signer) return tl::make_unexpected(signer.error());
  CertsAuthority authority;
  authority.path_ = path;
  authority.not_after_ = signer->not_after();
  authority.trusted_.push_back(signer->pair().certificate);
  for (std::string& other : net::certificates_of(before))
    if (const auto facts = net::issued_facts(other); facts && facts->not_after > now)
      authority.trusted_.push_back(std::move(other));
  authority.signer_ = std::move(*signer);
  return authority;
}

std::string CertsAuthority::bundle() const { return fmt::format("{}", fmt::join(trusted_, "")); }

bool CertsAuthority::vouches_for(const std::string& pem, bool any) const {
  for (const std::string& authority : trusted_) {
    if (net::is_signed_by(pem, authority)) return true;
    if (!any) break;
  }
  return false;
}

}  // namespace gateway::server
