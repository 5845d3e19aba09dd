#pragma once

#include <map>
#include <string>
#include <vector>

#include "gateway/config/diff.h"
#include "gateway/config/loader.h"
#include "gateway/net/certificate.h"
#include "gateway/net/certificate_files.h"
#include "gateway/snapshot/snapshot.h"

namespace gateway::server {

/// What the files that a configuration names hold, as hashes by path. A configuration is in use
/// already when its model and these are equal: comments, the time of a file and the order of a
/// folder's entries are not part of it. A certificate counts with its key, and as it is in use: one
/// that is being rewritten and does not match its key yet is still the one before.
struct NamedContents {
  using Hashes = std::map<std::string, net::Digest>;
  Hashes certificates;  ///< pairs by the path of the certificate, and bundles
  Hashes files;         ///< all others
  bool operator==(const NamedContents&) const = default;
};

/// `pairs` by listener. Blocks on files; one that cannot be read counts as empty.
NamedContents contents_of(const config::LoadedModel& loaded, const config::Model& model,
                          const std::map<std::string, net::LoadedPairs>& pairs,
                          const snapshot::ClientTls& client_tls);

/// All that is to be watched: the files that a configuration names, and the folders of its
/// certificates.
std::vector<std::string> paths_of(const config::LoadedModel& loaded, const config::Model& model);

/// What differs between two configurations and their files.
config::Changes changes_between(const config::Model& before, const NamedContents& contents_before,
                                const config::Model& after, const NamedContents& contents_after);

}  // namespace gateway::server
