#include "gateway/server/upstream_files.h"

#include <fmt/format.h>

namespace gateway::server {
namespace {

using Files = std::shared_ptr<const net::ClientTlsFiles>;

Result<Files> load(const config::UpstreamTls& settings, net::TlsLibrary& library,
                   net::CertificateStore& store) {
  auto files = net::ClientTlsFiles::load(settings, store);
  if (!files) return files;
  if (auto made = net::ClientTlsContext::make(library, settings, **files); !made)
    return tl::make_unexpected(made.error());
  return files;
}

Files earlier(const snapshot::Snapshot* previous, const config::Upstream& upstream) {
  if (previous == nullptr) return nullptr;
  const auto known = previous->upstreams.find(upstream.name);
  const bool same = known != previous->upstreams.end() && known->second->tls == upstream.tls;
  return same ? previous->client_tls.find(upstream.name)->second : nullptr;
}

// Then nothing can be another than it was.
bool names_no_file(const config::UpstreamTls& tls) {
  return tls.ca.empty() && tls.certificate.empty() && tls.key.empty();
}

}  // namespace

snapshot::ClientTls load_upstream_files(const config::Model& model, net::TlsLibrary& library,
                                        net::CertificateStore& store,
                                        const snapshot::Snapshot* previous,
                                        std::vector<config::Finding>& findings,
                                        std::vector<Error>& kept) {
  snapshot::ClientTls all;
  for (std::size_t i = 0; i < model.upstreams.size(); ++i) {
    const config::Upstream& upstream = model.upstreams[i];
    if (!upstream.tls) continue;
    if (names_no_file(*upstream.tls)) {
      if (Files before = earlier(previous, upstream)) {
        all.emplace(upstream.name, std::move(before));
        continue;
      }
    }
    auto files = load(*upstream.tls, library, store);
    if (files) {
      all.emplace(upstream.name, std::move(*files));
      continue;
    }
    Error error = files.error();
    error.detail = fmt::format("upstream {}: {}", upstream.name, error.detail);
    if (Files before = earlier(previous, upstream)) {
      all.emplace(upstream.name, std::move(before));
      kept.push_back(std::move(error));
    } else {
      findings.push_back({fmt::format("upstreams[{}].tls", i), std::move(error.detail)});
    }
  }
  return all;
}

}  // namespace gateway::server
