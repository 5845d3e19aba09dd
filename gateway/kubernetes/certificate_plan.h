#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "gateway/config/model.h"
#include "gateway/kubernetes/host_plan.h"
#include "gateway/kubernetes/store.h"

namespace gateway::kubernetes {

/// Secrets that hold a certificate, parsed once for as long as they do not change. Of what was
/// parsed only the names are kept: whoever serves it has the certificate itself.
class CertificateCache {
 public:
  struct Entry {
    std::shared_ptr<const Secret> secret;
    std::vector<std::string> names;  ///< that the certificate is for
    bool usable = false;
    std::string problem;
    /// As the model has it, for the hosts of last time.
    std::shared_ptr<const config::PemPair> bound;
    bool used = false;
  };
  Entry& find(const std::shared_ptr<const Secret>& secret);
  /// Forgets what was not asked for since the last call.
  void drop_unused();

 private:
  std::map<const Secret*, Entry> entries_;
};

/// Which certificate is shown for which host, into `translation`. Marks the hosts that have TLS.
/// What cannot be used leaves its hosts with the default certificate, and its owner is told.
void plan_certificates(const std::vector<PreparedPtr>& ingresses, const Store& store,
                       const TranslatorSettings& settings, CertificateCache& cache,
                       HostPlans& hosts, Notices& notices, Translation& translation);

/// Whether a certificate for these names is good for `host`.
bool covers(const std::vector<std::string>& names, std::string_view host);

}  // namespace gateway::kubernetes
