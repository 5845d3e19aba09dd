#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gmock/gmock.h>

#include "gateway/kubernetes/store.h"
#include "gateway/kubernetes/translator.h"
#include "gateway/routing/route_table.h"
#include "gateway/snapshot/snapshot.h"
#include "tests/unit/filter/fixtures.h"

namespace gateway::kubernetes {

using Annotations = std::vector<std::pair<std::string, std::string>>;

/// What a test's Ingress has; the rest is as an ordinary one has it.
struct IngressSpec {
  std::string name = "web";
  std::string host = "a.example";
  std::string path = "/";
  std::string service = "app:80";
  Annotations notes = {};  ///< keys without prefix: ingress-nginx's
  std::string ns = "prod";
  std::string created = "2026-01-01T00:00:00Z";
  PathType type = PathType::prefix;
};

/// As values, to be compared.
std::map<std::string, std::vector<upstream::SuppliedEndpoint>> plain(const EndpointLists& lists);

/// A cluster's objects, and what they mean.
class Cluster : public ::testing::Test {
 protected:
  Cluster();

  Ingress make(const IngressSpec& spec) const;
  void add(const IngressSpec& spec) { store_.upsert(make(spec)); }
  /// Objects in YAML.
  void apply(std::string_view yaml);
  /// A Service with one port of the same number at its pods, and its endpoints.
  void add_service(const std::string& name, std::uint16_t port,
                   const std::vector<std::string>& addresses, const std::string& ns = "prod");

  /// And makes sure that whoever serves can serve all of it.
  const Translation& translate();

  /// "host kind path listeners -> action" for each route, in order; filters and such are asked for
  /// one by one.
  std::vector<std::string> routes();
  const config::Route* route(std::string_view name);
  RouteOrigin origin(std::string_view name);
  /// What a GET gets, as `routes` writes it: the action of the route that is found for it.
  std::string answer(std::string_view listener, std::string_view host, std::string_view path);
  const config::Route& only_route();
  const config::Upstream* upstream(std::string_view name);
  /// The options of a filter of the only route; null when it has none of the type.
  const config::Value* filter(std::string_view type);
  std::vector<std::string> addresses(std::string_view upstream);
  /// "name reason: message" of each.
  std::vector<std::string> notices();
  /// Whether the Ingress is refused, with these words in the notice, and none of its paths answers
  /// anything but 503.
  ::testing::AssertionResult refused(std::string_view words);

  /// Whose clients are asked for a certificate by this name.
  const net::ClientAuthority* authority(std::string_view name) {
    return authorities_ ? authorities_->find(name).get() : nullptr;
  }

  Store store_;
  TranslatorSettings settings_;
  std::unique_ptr<Translator> translator_;
  Translation translation_;
  std::shared_ptr<const routing::RouteTable> table_;
  std::shared_ptr<const net::ClientAuthorities> authorities_;
  std::vector<config::Listener> listeners_;

 private:
  void compile(config::Model model);

  filter::test::Services services_;
};

}  // namespace gateway::kubernetes
