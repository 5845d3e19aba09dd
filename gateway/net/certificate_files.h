#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "gateway/config/model.h"
#include "gateway/net/certificate.h"
#include "gateway/net/certificate_set.h"

namespace gateway::net {

/// Pairs by the path of the certificate, or by the name of a pair of texts. Equal text is the same
/// object.
using LoadedPairs = std::map<std::string, std::shared_ptr<const Certificate>>;

/// Likewise by the pair of texts itself, which never changes.
using LoadedTexts =
    std::map<std::shared_ptr<const config::PemPair>, std::shared_ptr<const Certificate>>;

struct LoadedCertificates {
  std::vector<std::shared_ptr<const Certificate>> in_order;
  CertificateHosts hosts;  ///< parallel to `in_order`
  LoadedPairs by_path;
  LoadedTexts by_text;
};

/// Reads all pairs of all sources, in order; of a folder by name, its own first, then those of its
/// folders. A pair is `NAME.crt` or `NAME.pem` with `NAME.key` (so `tls.crt` with `tls.key`);
/// hidden files and the `..data` folders of Kubernetes volumes are seen through their links only,
/// and a certificate without a key (`ca.crt`) is no pair.
///
/// Without `fallback` the first pair that cannot be read fails all. With it, those that were loaded
/// last, a pair that was good before and is being rewritten stays as it was, and its error goes to
/// `problems`. No pair at all is an error. Texts that are among `known` are not looked at again.
/// Control thread; blocks on files.
Result<LoadedCertificates> load_certificates(std::span<const config::CertificateSource> sources,
                                             CertificateStore& store,
                                             const LoadedPairs* fallback = nullptr,
                                             std::vector<Error>* problems = nullptr,
                                             const LoadedTexts* known = nullptr);

/// Folders whose changes may change the sources: their own, their folders, and those of single
/// files.
std::vector<std::string> certificate_folders(std::span<const config::CertificateSource> sources);

}  // namespace gateway::net
