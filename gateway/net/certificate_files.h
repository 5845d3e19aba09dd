#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "gateway/config/model.h"
#include "gateway/net/certificate.h"

namespace gateway::net {

/// The pairs of a listener that were loaded last, by the path of the certificate: what a pair that
/// is being rewritten falls back to.
using LoadedPairs = std::map<std::string, std::shared_ptr<const Certificate>>;

/// Reads all pairs of all sources, in order; of a folder by name, its own first, then those of its
/// folders. A pair is `NAME.crt` or `NAME.pem` with `NAME.key` (so `tls.crt` with `tls.key`);
/// hidden files and the `..data` folders of Kubernetes volumes are seen through their links only,
/// and a certificate without a key (`ca.crt`) is no pair.
///
/// Without `known` the first pair that cannot be read fails all. With it, a pair that was good
/// before stays as it was and its error goes to `problems`; `known` becomes what was loaded. No
/// pair at all is an error. Control thread; blocks on files.
Result<std::vector<std::shared_ptr<const Certificate>>> load_certificates(
    std::span<const config::CertificateSource> sources, CertificateStore& store,
    LoadedPairs* known = nullptr, std::vector<Error>* problems = nullptr);

/// Folders whose changes may change the sources: their own, their folders, and those of single
/// files.
std::vector<std::string> certificate_folders(std::span<const config::CertificateSource> sources);

}  // namespace gateway::net
