#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "gateway/config/checks.h"
#include "gateway/config/model.h"
#include "gateway/filter/filter.h"
#include "gateway/net/client_authorities.h"
#include "gateway/net/tls_client.h"
#include "gateway/routing/route_table.h"

namespace gateway::snapshot {

/// A compiled filter at its place in a route's chain.
struct RouteFilter {
  const filter::FilterType* type = nullptr;
  config::PolicySettings settings;
  std::shared_ptr<const filter::Plan> plan;
};
using FilterChain = std::vector<RouteFilter>;

/// What the TLS files of upstreams hold, by name of the upstream.
using ClientTls = std::map<std::string, std::shared_ptr<const net::ClientTlsFiles>, std::less<>>;

/// Everything that workers need to serve one model: immutable, complete, built off the workers.
/// What did not change is shared with the snapshot before: routes, patterns, filter plans,
/// upstreams.
struct Snapshot {
  std::uint64_t generation = 0;
  std::shared_ptr<const config::Model> model;
  std::shared_ptr<const routing::RouteTable> routes;
  /// By routing::Route::index; null where there is no route. The same object while route and global
  /// filters are equal; routes with equal filters share one.
  std::vector<std::shared_ptr<const FilterChain>> chains;
  std::map<std::string, std::shared_ptr<const config::Upstream>, std::less<>> upstreams;
  /// Of upstreams with TLS. Workers make a new context when settings or files differ.
  ClientTls client_tls;
  /// Removed from every incoming request before filters run.
  std::vector<std::string> identity_headers;
  /// Whose clients are asked for a certificate, on account of the filters of routes; null:
  /// nobody's.
  std::shared_ptr<const net::ClientAuthorities> client_authorities;
};

/// Compiles a validated model. Fails without side effects, with everything that is wrong.
tl::expected<std::shared_ptr<const Snapshot>, std::vector<config::Finding>> compile(
    std::shared_ptr<const config::Model> model, std::uint64_t generation, const Snapshot* previous,
    filter::CompileServices& services, ClientTls client_tls = {});

}  // namespace gateway::snapshot
