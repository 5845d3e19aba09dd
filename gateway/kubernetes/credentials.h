#pragma once

#include <memory>
#include <string>

#include "gateway/kubernetes/cluster_access.h"
#include "gateway/net/tls_client.h"

namespace gateway::kubernetes {

/// Who we are to the API server and whom we believe, as the files say now: tokens are renewed every
/// hour or so, authorities and client certificates once in a while. What cannot be read leaves what
/// was good before. One thread; blocks on files (control thread).
class Credentials {
 public:
  /// Fails when something named cannot be read or used. `library` outlives it.
  static Result<Credentials> load(const ClusterAccess& access, net::TlsLibrary& library);

  /// Reads everything again. True: TLS has changed, `tls()` is another context for connections to
  /// come.
  bool refresh();

  /// The bearer's, without white space; empty: none.
  const std::string& token() const { return token_; }
  /// Null when the access is plain.
  const std::shared_ptr<net::ClientTlsContext>& tls() const { return context_; }
  /// What `refresh` could not read or use; empty when all is well. Never a secret.
  const std::string& problem() const { return problem_; }

 private:
  Credentials(const ClusterAccess& access, net::TlsLibrary& library)
      : access_(access), library_(&library) {}
  Result<void> load_token();
  Result<bool> load_tls();

  ClusterAccess access_;
  net::TlsLibrary* library_;
  std::string token_;
  std::shared_ptr<const net::ClientTlsFiles> files_;  ///< what `context_` was made from
  std::shared_ptr<net::ClientTlsContext> context_;
  std::string problem_;
};

}  // namespace gateway::kubernetes
