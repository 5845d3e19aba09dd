#include "gateway/server/named_contents.h"

#include <set>

#include "gateway/base/file.h"

namespace gateway::server {
namespace {

net::Digest hash_of(const std::string& path) {
  return net::digest_of({read_file(path).value_or(std::string())});
}

/// Collects what is known, and remembers which files that speaks for.
class Collection {
 public:
  void add_listener(const config::ListenerTls& tls, const net::LoadedPairs& pairs) {
    for (const auto& [path, certificate] : pairs)
      contents_.certificates[path] = certificate->digest();
    for (const config::CertificateSource& source : tls.certificates)
      spoken_for_.insert({source.certificate, source.key});
    if (tls.client_ca.empty()) return;
    contents_.certificates[tls.client_ca] = hash_of(tls.client_ca);
    spoken_for_.insert(tls.client_ca);
  }

  void add_upstream(const config::UpstreamTls& tls, const net::ClientTlsFiles& files) {
    if (tls.pem) return;  // the model has it
    if (!tls.ca.empty()) contents_.certificates[tls.ca] = net::digest_of({files.ca});
    if (files.certificate) contents_.certificates[tls.certificate] = files.certificate->digest();
    spoken_for_.insert({tls.ca, tls.certificate, tls.key});
  }

  // The first is the configuration: its model is compared, not its text.
  NamedContents finish(const std::vector<std::string>& named) {
    for (std::size_t i = 1; i < named.size(); ++i)
      if (!spoken_for_.contains(named[i])) contents_.files[named[i]] = hash_of(named[i]);
    return std::move(contents_);
  }

 private:
  NamedContents contents_;
  std::set<std::string> spoken_for_;
};

config::NameChanges changes_of(const NamedContents::Hashes& before,
                               const NamedContents::Hashes& after) {
  config::NameChanges changes;
  for (const auto& [path, hash] : after) {
    const auto known = before.find(path);
    if (known == before.end())
      changes.added.push_back(path);
    else if (known->second != hash)
      changes.changed.push_back(path);
  }
  for (const auto& [path, hash] : before)
    if (!after.contains(path)) changes.removed.push_back(path);
  return changes;
}

}  // namespace

NamedContents contents_of(const config::LoadedModel& loaded, const config::Model& model,
                          const std::map<std::string, net::LoadedPairs>& pairs,
                          const snapshot::ClientTls& client_tls) {
  Collection collection;
  for (const config::Listener& listener : model.listeners)
    if (listener.tls) collection.add_listener(*listener.tls, pairs.at(listener.name));
  for (const config::Upstream& upstream : model.upstreams)
    if (upstream.tls)
      collection.add_upstream(*upstream.tls, *client_tls.find(upstream.name)->second);
  return collection.finish(loaded.watched_files);
}

std::vector<std::string> paths_of(const config::LoadedModel& loaded, const config::Model& model) {
  std::vector<std::string> paths = loaded.watched_files;
  for (const config::Listener& listener : model.listeners) {
    if (!listener.tls) continue;
    const auto folders = net::certificate_folders(listener.tls->certificates);
    paths.insert(paths.end(), folders.begin(), folders.end());
  }
  return paths;
}

config::Changes changes_between(const config::Model& before, const NamedContents& contents_before,
                                const config::Model& after, const NamedContents& contents_after) {
  config::Changes changes = config::diff(before, after);
  changes.certificates = changes_of(contents_before.certificates, contents_after.certificates);
  changes.files = changes_of(contents_before.files, contents_after.files);
  return changes;
}

}  // namespace gateway::server
