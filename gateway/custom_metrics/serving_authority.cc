#include "gateway/custom_metrics/serving_authority.h"

#include <utility>

namespace gateway::custom_metrics {
namespace {

using net::CertificateAuthority;

constexpr const char* kName = "gateway replicas";
constexpr const char* kLeafSubject = "gateway replica";
/// Clocks of replicas differ, and a timer is late.
constexpr std::chrono::seconds kSlack = std::chrono::hours(1);

struct Keys {
  std::string_view certificate;
  std::string_view key;
};
constexpr Keys kCurrent{"ca.crt", "ca.key"};
constexpr Keys kNext{"next-ca.crt", "next-ca.key"};

std::time_t after(std::time_t from, std::chrono::seconds by) {
  return from + static_cast<std::time_t>(by.count());
}

bool holds(const SecretData& data, const Keys& keys) {
  return data.contains(keys.certificate) || data.contains(keys.key);
}

Result<CertificateAuthority> read_pair(const SecretData& data, const Keys& keys) {
  const auto value = [&data](std::string_view key) {
    const auto found = data.find(key);
    return found == data.end() ? std::string() : found->second;
  };
  auto authority = CertificateAuthority::parse({value(keys.certificate), value(keys.key)});
  if (!authority)
    return failure(ErrorCode::invalid_argument, Side::internal,
                   std::string(keys.certificate) + ": " + authority.error().detail);
  return authority;
}

void write_pair(SecretData& data, const Keys& keys, const CertificateAuthority* authority) {
  if (authority == nullptr) {
    if (const auto at = data.find(keys.certificate); at != data.end()) data.erase(at);
    if (const auto at = data.find(keys.key); at != data.end()) data.erase(at);
    return;
  }
  data.insert_or_assign(std::string(keys.certificate), authority->pair().certificate);
  data.insert_or_assign(std::string(keys.key), authority->pair().key);
}

Result<CertificateAuthority> new_authority(std::time_t now) {
  return CertificateAuthority::make(kName, now, ServingAuthority::kLife);
}

std::time_t signs_from(const CertificateAuthority& next) {
  return after(next.made_at(), ServingAuthority::kSettled);
}

}  // namespace

ServingAuthority::ServingAuthority(CertificateAuthority current,
                                   std::optional<CertificateAuthority> next)
    : current_(std::move(current)), next_(std::move(next)) {
  trusted_ = current_.pair().certificate;
  if (next_) trusted_ += next_->pair().certificate;
}

Result<ServingAuthority> ServingAuthority::read(const SecretData& data) {
  auto current = read_pair(data, kCurrent);
  if (!current) return tl::make_unexpected(current.error());
  if (!holds(data, kNext)) return ServingAuthority(std::move(*current), std::nullopt);
  auto next = read_pair(data, kNext);
  if (!next) return tl::make_unexpected(next.error());
  return ServingAuthority(std::move(*current), std::move(*next));
}

const CertificateAuthority& ServingAuthority::signer(std::time_t now) const {
  return next_ && (now >= signs_from(*next_) || now >= current_.not_after()) ? *next_ : current_;
}

Result<std::optional<SecretData>> ServingAuthority::renewed(const SecretData& data,
                                                            std::time_t now) {
  std::optional<CertificateAuthority> current;
  std::optional<CertificateAuthority> next;
  if (holds(data, kCurrent) || holds(data, kNext)) {
    auto kept = read(data);
    if (!kept) return tl::make_unexpected(kept.error());
    current = std::move(kept->current_);
    next = std::move(kept->next_);
  }
  const auto expired = [now](const CertificateAuthority& each) { return now >= each.not_after(); };
  const bool outlived = current && next && now >= after(signs_from(*next), kLeafLife + kSlack);
  bool changed = false;
  if (next && (outlived || expired(*current))) {
    current = std::exchange(next, std::nullopt);
    changed = true;
  }
  if (!current || expired(*current)) {
    auto made = new_authority(now);
    if (!made) return tl::make_unexpected(made.error());
    current = std::move(*made);
    changed = true;
  }
  if (!next && now >= after(current->not_after(), -kSuccession)) {
    auto made = new_authority(now);
    if (!made) return tl::make_unexpected(made.error());
    next = std::move(*made);
    changed = true;
  }
  if (!changed) return std::nullopt;
  SecretData wanted = data;
  write_pair(wanted, kCurrent, &*current);
  write_pair(wanted, kNext, next ? &*next : nullptr);
  return wanted;
}

Result<ServingMaterial> ServingAuthority::issue(const std::vector<std::string>& names,
                                                std::time_t now) const {
  const CertificateAuthority& issuer = signer(now);
  if (now >= issuer.not_after())
    return failure(ErrorCode::invalid_argument, Side::internal,
                   "the authority of the replicas has expired");
  auto own = issuer.issue(kLeafSubject, names, now, kLeafLife);
  if (!own) return tl::make_unexpected(own.error());
  // A third of its life is left for whatever keeps the next one from being made.
  return ServingMaterial{std::move(*own), trusted_, after(now, kLeafLife * 2 / 3)};
}

std::string service_name(std::string_view service, std::string_view name_space) {
  return std::string(service) + "." + std::string(name_space) + ".svc";
}

}  // namespace gateway::custom_metrics
