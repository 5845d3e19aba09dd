#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "gateway/base/result.h"
#include "gateway/downstream/handler.h"

namespace gateway::custom_metrics {

/// Who asks, as the API server has found out.
struct Caller {
  std::string user;
  std::string uid;
  std::vector<std::string> groups;
  std::vector<std::pair<std::string, std::string>> extra;  ///< keys in lower case, decoded
  bool operator==(const Caller&) const = default;
};

/// What kube-system/extension-apiserver-authentication says. The CA itself belongs to the listener:
/// its TLS verifies client certificates by nothing else.
struct FrontProxySettings {
  std::vector<std::string> allowed_names;  ///< common names; empty: any that the CA signed
  std::vector<std::string> user_headers = {"X-Remote-User"};
  std::vector<std::string> group_headers = {"X-Remote-Group"};
  std::vector<std::string> extra_prefixes = {"X-Remote-Extra-"};
  std::vector<std::string> uid_headers = {"X-Remote-Uid"};
};

/// That ConfigMap, whole.
struct FrontProxy {
  std::string client_ca;  ///< PEM bundle: what the listener verifies client certificates by
  FrontProxySettings settings;
};
/// Of its data. Fails without a bundle (a cluster without an aggregation layer) and for lists that
/// are no lists: names that nobody understood would allow any.
Result<FrontProxy> read_front_proxy(const std::map<std::string, std::string, std::less<>>& data);

/// The caller that a front proxy vouches for. `unauthenticated` without a verified client
/// certificate of an allowed name, or without a user: headers alone are worth nothing.
Result<Caller> authenticate(const http::RequestHead& request,
                            const downstream::ConnectionFacts& connection,
                            const FrontProxySettings& settings);

}  // namespace gateway::custom_metrics
