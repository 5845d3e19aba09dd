#pragma once

#include <string>
#include <vector>

namespace gateway::server {

/// What `gateway certs` is asked for.
struct CertsOptions {
  std::string out;  ///< the folder
  /// Who gets a certificate besides the gateway.
  std::vector<std::string> services{"app-a", "app-b", "hello", "visitors"};
  std::vector<std::string> names;         ///< DNS names and addresses in each of them
  std::vector<std::string> public_names;  ///< of a pair for a public listener; none: no such pair
  int days = 90;                          ///< how long what is made now is valid
  int renew_before = 0;                   ///< days before its end; 0: a third of `days`
  std::string group;                      ///< who may read keys besides their owner; empty: nobody
  bool force_authority = false;           ///< new authorities in place of those that are there
};

}  // namespace gateway::server
