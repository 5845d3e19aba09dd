#include "gateway/kubernetes/credentials.h"

#include <algorithm>

namespace gateway::kubernetes {
namespace {

constexpr std::string_view kWhite = " \t\r\n";

bool is_visible(char c) { return c > ' ' && c < '\x7f'; }

tl::unexpected<Error> invalid(const Material& material, const std::string& why) {
  const std::string& where = material.file.empty() ? material.origin : material.file;
  return failure(ErrorCode::invalid_argument, Side::internal, where + ": " + why);
}

}  // namespace

Result<Credentials> Credentials::load(const ClusterAccess& access, net::TlsLibrary& library) {
  Credentials made(access, library);
  if (auto token = made.load_token(); !token) return tl::make_unexpected(token.error());
  if (auto tls = made.load_tls(); !tls) return tl::make_unexpected(tls.error());
  return made;
}

bool Credentials::refresh() {
  problem_.clear();
  if (auto token = load_token(); !token) problem_ = token.error().detail;
  const auto changed = load_tls();
  if (!changed) problem_ = changed.error().detail;
  return changed && *changed;
}

Result<void> Credentials::load_token() {
  if (access_.token.empty()) return {};
  auto text = access_.token.read();
  if (!text) return tl::make_unexpected(text.error());
  text->erase(text->find_last_not_of(kWhite) + 1);
  text->erase(0, text->find_first_not_of(kWhite));
  if (text->empty()) return invalid(access_.token, "holds no token");
  if (!std::ranges::all_of(*text, is_visible))
    return invalid(access_.token, "holds more than one token");
  token_ = std::move(*text);
  return {};
}

Result<bool> Credentials::load_tls() {
  if (!access_.tls) return false;
  auto files = std::make_shared<net::ClientTlsFiles>();
  auto ca = access_.ca.read();
  if (!ca) return tl::make_unexpected(ca.error());
  files->ca = std::move(*ca);
  if (!access_.certificate.empty()) {
    const auto certificate = access_.certificate.read();
    if (!certificate) return tl::make_unexpected(certificate.error());
    const auto key = access_.key.read();
    if (!key) return tl::make_unexpected(key.error());
    auto pair = net::Certificate::parse(*certificate, *key);
    if (!pair) return invalid(access_.certificate, pair.error().detail);
    files->certificate = std::move(*pair);
    // Equal texts are the same object, so that equal files compare as equal.
    if (files_ && files_->certificate &&
        files_->certificate->digest() == files->certificate->digest())
      files->certificate = files_->certificate;
  }
  if (files_ && *files_ == *files) return false;

  // The files are read already: their names stand here for the errors alone.
  config::UpstreamTls settings;
  settings.server_name = access_.server_name;
  if (!access_.ca.empty())
    settings.ca = access_.ca.file.empty() ? access_.ca.origin : access_.ca.file;
  settings.certificate = access_.certificate.file;
  auto context = net::ClientTlsContext::make(*library_, settings, *files);
  if (!context) return tl::make_unexpected(context.error());
  context_ = std::move(*context);
  files_ = std::move(files);
  return true;
}

}  // namespace gateway::kubernetes
