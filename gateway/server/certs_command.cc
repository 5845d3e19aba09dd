#include "gateway/server/certs_command.h"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <grp.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/base/file.h"
#include "gateway/net/certificate.h"
#include "gateway/server/certs_authority.h"

namespace gateway::server {
namespace {

constexpr std::chrono::days kDay{1};
/// RFC 5280 appendix A: the longest common name.
constexpr std::size_t kMostSubject = 64;
constexpr const char* kLongSubject = "gateway development";

std::string date_of(std::time_t time) {
  return fmt::format("{:%Y-%m-%d %H:%M} UTC", fmt::gmtime(time));
}

std::time_t days_after(std::time_t from, int days) {
  return from + static_cast<std::time_t>(std::chrono::seconds(kDay * days).count());
}

std::string without_slash(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

/// A certificate that should be there.
struct Wanted {
  std::string name;  ///< below the folder, without ".crt"
  std::string subject;
  std::vector<std::string> names;        ///< as certificates show them
  std::vector<std::string> sorted = {};  ///< the same as certificate_names() puts them
  net::KeyKind kind = net::KeyKind::ecdsa;
};

/// An authority of the folder, where it is told to those who trust it, and what it signs.
struct Branch {
  std::string name;     ///< below the folder, without ".crt"
  std::string title;    ///< begins the subject of a new one
  std::string trusted;  ///< copy of the certificate, below the folder
  std::vector<Wanted> signs;
};

/// One run over one folder.
class CertsRun {
 public:
  CertsRun(const CertsOptions& options, std::time_t now)
      : options_(options),
        now_(now),
        out_(without_slash(options.out)),
        renew_at_(options.renew_before > 0
                      ? days_after(now, options.renew_before)
                      : now + static_cast<std::time_t>(
                                  std::chrono::seconds(kDay * options.days).count() / 3)) {}
  ~CertsRun() {
    if (lock_ >= 0) ::close(lock_);
  }
  CertsRun(const CertsRun&) = delete;

  Result<void> run();
  const std::string& lines() const { return lines_; }
  const std::string& remarks() const { return remarks_; }

 private:
  Result<void> check_options();
  Result<std::vector<std::string>> subjects() const;
  Result<std::vector<Branch>> plan() const;
  Result<void> open_folder();
  Result<void> make_folder(const std::string& name) const;
  Result<void> grow(const Branch& branch);
  Result<CertsAuthority> authority_of(const Branch& branch);
  Result<void> write_authority(const Branch& branch, const CertsAuthority& authority);
  Result<void> renew(const Wanted& wanted, const CertsAuthority& authority);
  Result<std::string> why_renew(const Wanted& wanted, const CertsAuthority& authority,
                                std::time_t& not_after) const;
  Result<void> make_token(const std::string& name);
  Result<void> write(const std::string& name, std::string_view text, mode_t mode) const;
  std::string path_of(const std::string& name) const { return out_ + "/" + name; }
  /// Keys of services and tokens; those of authorities are their owner's alone.
  mode_t secret_mode() const { return group_ ? 0640 : 0600; }
  void say(std::string_view what, const std::string& name, std::time_t until,
           std::string_view why = {});

  const CertsOptions& options_;
  const std::time_t now_;
  const std::string out_;
  const std::time_t renew_at_;
  int lock_ = -1;
  std::optional<gid_t> group_;
  std::string lines_;
  std::string remarks_;
};

Result<void> CertsRun::run() {
  if (auto good = check_options(); !good) return good;
  const auto branches = plan();
  if (!branches) return tl::make_unexpected(branches.error());
  if (auto opened = open_folder(); !opened) return opened;
  for (const Branch& branch : *branches)
    if (auto grown = grow(branch); !grown) return grown;
  for (const char* token : {"secrets/admin-token", "secrets/cluster-token"})
    if (auto made = make_token(token); !made) return made;
  return {};
}

Result<void> CertsRun::check_options() {
  if (options_.renew_before >= options_.days)
    return invalid_argument(
        fmt::format("--renew-before {} is not less than --days {}: each run would renew everything",
                    options_.renew_before, options_.days));
  if (options_.group.empty()) return {};
  // The list is one line of the group file, or what a directory service makes of it.
  std::array<char, 64 * 1024> text{};
  group entry{};
  group* found = nullptr;
  if (::getgrnam_r(options_.group.c_str(), &entry, text.data(), text.size(), &found) != 0 ||
      found == nullptr)
    return invalid_argument(fmt::format("there is no group {}: make it with groupadd --system {}",
                                        options_.group, options_.group));
  group_ = entry.gr_gid;
  return {};
}

Result<std::vector<std::string>> CertsRun::subjects() const {
  std::vector<std::string> out{"gateway"};
  for (const std::string& service : options_.services) {
    // It becomes the name of a file beside others.
    static const std::array<std::string_view, 3> taken{"cluster", "internal-ca", "gateway-ca"};
    if (service.empty() || service.size() > kMostSubject || service.front() == '.' ||
        service.find_first_of("/*") != std::string::npos ||
        std::ranges::find(taken, service) != taken.end())
      return invalid_argument(fmt::format("\"{}\" cannot be the name of a service", service));
    if (std::ranges::find(out, service) == out.end()) out.push_back(service);
  }
  return out;
}

Result<std::vector<Branch>> CertsRun::plan() const {
  const auto services = subjects();
  if (!services) return tl::make_unexpected(services.error());
  std::vector<Wanted> leaves;
  for (const std::string& service : *services) {
    Wanted& leaf = leaves.emplace_back(
        Wanted{"secrets/" + service, service, {service, service + ".internal"}});
    leaf.names.insert(leaf.names.end(), options_.names.begin(), options_.names.end());
  }
  if (!options_.public_names.empty()) {
    const std::string& first = options_.public_names.front();
    const std::string subject = first.size() <= kMostSubject ? first : kLongSubject;
    leaves.push_back({"tls/ecdsa", subject, options_.public_names});
    leaves.push_back({"tls/rsa", subject, options_.public_names, {}, net::KeyKind::rsa});
  }
  for (Wanted& leaf : leaves) {
    auto names = net::certificate_names(leaf.names);
    if (!names) return tl::make_unexpected(names.error());
    leaf.sorted = std::move(*names);
  }
  return std::vector<Branch>{
      {"ca", "gateway private CA", "secrets/internal-ca.crt", std::move(leaves)},
      {"gateway-ca",
       "gateway replicas CA",
       "secrets/gateway-ca.crt",
       {{"secrets/cluster", "gateway", {"gateway.internal"}, {"gateway.internal"}}}}};
}

Result<void> CertsRun::open_folder() {
  std::error_code error;
  const auto parent = std::filesystem::path(out_).parent_path();
  if (!parent.empty()) std::filesystem::create_directories(parent, error);
  if (auto made = make_folder(""); !made) return made;
  lock_ = ::open(out_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (lock_ < 0 || ::flock(lock_, LOCK_EX) != 0)
    return invalid_argument(out_ + ": it cannot be read: run this as its owner");
  if (auto made = make_folder("secrets"); !made) return made;
  return options_.public_names.empty() ? Result<void>() : make_folder("tls");
}

Result<void> CertsRun::make_folder(const std::string& name) const {
  const std::string path = name.empty() ? out_ : path_of(name);
  const mode_t mode = group_ ? 0750 : 0700;
  if (::mkdir(path.c_str(), mode) == 0) {
    constexpr auto kSame = static_cast<uid_t>(-1);
    // The mode once more: the umask had a word in it.
    if ((!group_ || ::chown(path.c_str(), kSame, *group_) == 0) && ::chmod(path.c_str(), mode) == 0)
      return {};
  } else if (std::error_code error; std::filesystem::is_directory(path, error)) {
    return {};
  }
  return invalid_argument(fmt::format(
      "{} cannot be made: name a folder that this user may write in, or run this as its owner",
      path));
}

Result<void> CertsRun::grow(const Branch& branch) {
  auto authority = authority_of(branch);
  if (!authority) return tl::make_unexpected(authority.error());
  if (auto written = write_authority(branch, *authority); !written) return written;
  for (const Wanted& wanted : branch.signs)
    if (auto renewed = renew(wanted, *authority); !renewed) return renewed;
  if (authority->not_after() < days_after(now_, options_.days))
    remarks_ += fmt::format(
        "{}.crt ends on {}, and what it signs no later: replace it with --force-ca before\n",
        authority->path(), date_of(authority->not_after()));
  return {};
}

Result<CertsAuthority> CertsRun::authority_of(const Branch& branch) {
  const std::string path = path_of(branch.name);
  const auto certificate = read_if_there(path + ".crt");
  if (!certificate) return tl::make_unexpected(certificate.error());
  const auto key = read_if_there(path + ".key");
  if (!key) return tl::make_unexpected(key.error());
  if (options_.force_authority)
    return CertsAuthority::make(path, branch.title, certificate->value_or(""), now_);
  if (*certificate || *key) {
    auto authority = CertsAuthority::read(path, now_);
    if (!authority || !authority->has_others()) return authority;
    // Those before it go when nothing that they signed was in use as this run began.
    bool settled = true;
    for (const Wanted& wanted : branch.signs) {
      const auto leaf = read_if_there(path_of(wanted.name + ".crt"));
      settled = settled && leaf && (!*leaf || authority->vouches_for(**leaf, false));
    }
    if (settled) authority->forget_others();
    return authority;
  }
  const auto trusted = read_if_there(path_of(branch.trusted));
  if (!trusted) return tl::make_unexpected(trusted.error());
  if (*trusted)
    return invalid_argument(fmt::format(
        "{}.crt and {}.key are not there, but {} is, which others trust: put them back, or begin "
        "anew with --force-ca, after which what was made before is trusted by nobody",
        path, branch.name, branch.trusted));
  return CertsAuthority::make(path, branch.title, "", now_);
}

Result<void> CertsRun::write_authority(const Branch& branch, const CertsAuthority& authority) {
  const std::string certificate = branch.name + ".crt";
  const auto before = read_if_there(path_of(certificate));
  const std::string bundle = authority.bundle();
  // One that somebody else signed does not vouch for itself: it is there all the same.
  const bool is_new =
      !before || !*before || (**before != bundle && !authority.vouches_for(**before, false));
  if (is_new) {
    if (!authority.signer())
      return invalid_argument(
          fmt::format("{}.key is not there: put it back, for {} is not as it was made here",
                      path_of(branch.name), certificate));
    if (auto written = write(branch.name + ".key", authority.signer()->pair().key, 0600); !written)
      return written;
  }
  for (const std::string& name : {certificate, branch.trusted}) {
    const auto text = read_if_there(path_of(name));
    if (text && *text && **text == bundle) continue;
    if (auto written = write(name, bundle, 0644); !written) return written;
  }
  say(is_new ? "made" : "kept", certificate, authority.not_after(),
      authority.has_others() ? "the one before it is trusted too" : "");
  return {};
}

Result<std::string> CertsRun::why_renew(const Wanted& wanted, const CertsAuthority& authority,
                                        std::time_t& not_after) const {
  const auto certificate = read_if_there(path_of(wanted.name + ".crt"));
  if (!certificate) return tl::make_unexpected(certificate.error());
  const auto key = read_if_there(path_of(wanted.name + ".key"));
  if (!key) return tl::make_unexpected(key.error());
  if (!*certificate) return "there was none";
  if (!*key) return "its key was not there";
  const auto pair = net::Certificate::parse(**certificate, **key);
  if (!pair) return pair.error().detail;
  const auto facts = net::issued_facts(**certificate);
  if (!facts) return facts.error().detail;
  not_after = facts->not_after;
  if (!authority.vouches_for(**certificate, options_.force_authority))
    return "another authority signed it";
  if ((*pair)->kind() != wanted.kind) return "its key was of another kind";
  if (facts->names != wanted.sorted) return "it was for other names";
  // One that ends with its authority would end there again.
  const bool as_long_as_can_be = facts->not_after == authority.not_after();
  if (facts->not_after <= renew_at_ && !as_long_as_can_be)
    return fmt::format("it {} on {}", facts->not_after <= now_ ? "ended" : "was to end",
                       date_of(facts->not_after));
  return std::string();
}

Result<void> CertsRun::renew(const Wanted& wanted, const CertsAuthority& authority) {
  std::time_t not_after = 0;
  const auto why = why_renew(wanted, authority, not_after);
  if (!why) return tl::make_unexpected(why.error());
  const std::string certificate = wanted.name + ".crt";
  if (why->empty()) {
    say("kept", certificate, not_after);
    return {};
  }
  if (!authority.signer())
    return invalid_argument(
        fmt::format("{} cannot be renewed ({}): {}.key is not there: put it back for this run",
                    path_of(certificate), *why, authority.path()));
  const auto issued = authority.signer()->issue(wanted.subject, wanted.names, now_,
                                                kDay * options_.days, wanted.kind);
  if (!issued) return tl::make_unexpected(issued.error());
  const bool was_there = std::filesystem::exists(path_of(certificate));
  if (auto written = write(wanted.name + ".key", issued->key, secret_mode()); !written)
    return written;
  if (auto written = write(certificate, issued->certificate, 0644); !written) return written;
  say(was_there ? "renewed" : "made", certificate,
      std::min(days_after(now_, options_.days), authority.not_after()),
      was_there ? *why : std::string());
  return {};
}

Result<void> CertsRun::make_token(const std::string& name) {
  const auto before = read_if_there(path_of(name));
  if (!before) return tl::make_unexpected(before.error());
  if (*before && !(*before)->empty()) {
    lines_ += fmt::format("{:<8} {}\n", "kept", name);
    return {};
  }
  std::array<unsigned char, 16> bytes{};
  if (::getentropy(bytes.data(), bytes.size()) != 0)
    return failure(ErrorCode::internal, Side::internal, "the system gives no random bytes");
  const std::string token = fmt::format("{:02x}\n", fmt::join(bytes, ""));
  if (auto written = write(name, token, secret_mode()); !written) return written;
  lines_ += fmt::format("{:<8} {}\n", "made", name);
  return {};
}

Result<void> CertsRun::write(const std::string& name, std::string_view text, mode_t mode) const {
  const bool of_group = group_ && mode != 0600;
  auto written = replace_file(path_of(name), text, {mode, of_group ? group_ : std::nullopt});
  if (!written && written.error().code == ErrorCode::permission_denied)
    return invalid_argument(written.error().detail + ": run this as the owner of the folder");
  return written;
}

void CertsRun::say(std::string_view what, const std::string& name, std::time_t until,
                   std::string_view why) {
  lines_ += fmt::format("{:<8} {:<24} until {}{}{}\n", what, name, date_of(until),
                        why.empty() ? "" : ": ", why);
}

}  // namespace

CertsOutcome make_certificates(const CertsOptions& options, std::time_t now) {
  CertsRun run(options, now);
  const auto done = run.run();
  return {run.lines(), run.remarks(), done ? std::string() : done.error().detail};
}

}  // namespace gateway::server
