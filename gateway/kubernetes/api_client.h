#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "gateway/kubernetes/api.h"
#include "gateway/kubernetes/cluster_access.h"
#include "gateway/kubernetes/credentials.h"
#include "gateway/net/resolver.h"
#include "gateway/runtime/event_loop.h"
#include "gateway/upstream/upstream.h"

namespace gateway::kubernetes {

/// The way to the API server over the network: calls of an upstream of its own, kept connections,
/// credentials that follow their files (every minute, after a 401, which is then tried once more,
/// and after a failed handshake), and a server's name that is resolved. One loop (the control
/// thread's, since it reads files); outlives its calls.
class ApiClient final : public Api {
 public:
  struct Options {
    Duration refresh = std::chrono::seconds(60);  ///< after so long the files are read again
    /// A stream that says nothing for so long has ended: bookmarks come about each minute.
    Duration silence = std::chrono::seconds(90);
    Duration connect = std::chrono::seconds(5);
    /// A server whose system acknowledges nothing for so long is lost, and its connections with it.
    Duration loss = std::chrono::seconds(30);
    net::Resolver::Options resolver;
  };

  /// Fails when the access's files cannot be read or used; the network is not asked. `library`
  /// outlives the client and the loop's turn in which it dies.
  static Result<std::unique_ptr<ApiClient>> make(EventLoop& loop, net::TlsLibrary& library,
                                                 const ClusterAccess& access,
                                                 const Options& options);
  static Result<std::unique_ptr<ApiClient>> make(EventLoop& loop, net::TlsLibrary& library,
                                                 const ClusterAccess& access) {
    return make(loop, library, access, Options());
  }
  ~ApiClient() override;

  std::unique_ptr<ApiCall> send(ApiRequest request, ApiAnswered answered) override;
  std::unique_ptr<ApiCall> stream(ApiRequest request, ApiStream& stream) override;

  const ClusterAccess& access() const { return access_; }
  /// What could not be read when the files were last looked at; empty when all is well.
  const std::string& problem() const { return credentials_.problem(); }

 private:
  class Request;

  ApiClient(EventLoop& loop, const ClusterAccess& access, Credentials credentials,
            const Options& options);
  std::unique_ptr<ApiCall> start(std::unique_ptr<Request> request);
  void refresh();
  void refresh_if_due();
  void on_addresses(const std::vector<IpAddress>& addresses);
  void on_name_failed(const Error& error);
  bool has_address() const { return !endpoints_.empty(); }

  EventLoop& loop_;
  const ClusterAccess access_;
  const Options options_;
  const std::string authority_;  ///< of the Host field
  Credentials credentials_;
  Instant refreshed_;
  LocalPtr<upstream::Upstream> upstream_;
  std::map<IpAddress, std::shared_ptr<upstream::Endpoint>> endpoints_;
  std::shared_ptr<upstream::UpstreamLoad> load_;
  std::unique_ptr<net::Resolver> resolver_;  ///< null when the server is named by its address
  std::unique_ptr<Error> name_error_;        ///< why there is no address
  IntrusiveList<Request> waiting_;           ///< for the first address
};

}  // namespace gateway::kubernetes
