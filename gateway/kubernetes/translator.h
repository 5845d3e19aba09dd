#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "gateway/kubernetes/certificate_plan.h"
#include "gateway/kubernetes/prepared_ingress.h"
#include "gateway/kubernetes/route_cache.h"
#include "gateway/kubernetes/service_index.h"
#include "gateway/kubernetes/store.h"
#include "gateway/kubernetes/translation.h"
#include "gateway/kubernetes/upstream_book.h"

namespace gateway::kubernetes {

/// Turns the objects of a cluster into what the gateway serves: a function of the store, but for
/// one thing. An Ingress that is refused as it is now goes on with its last version that was good,
/// if this translator saw one and that is not open where the new one asks for a login; if not, its
/// paths answer 503. What was made from one Ingress is kept until that, or an object that it names,
/// changes; so are the routes of one host (see RouteCache). One thread.
class Translator {
 public:
  explicit Translator(TranslatorSettings settings) : settings_(std::move(settings)) {}

  Translation translate(const Store& store);

  struct EndpointUpdate {
    EndpointLists endpoints;
    std::set<SocketAddress> reserved;
  };
  /// After a change of EndpointSlices alone: the endpoints of the upstreams of the last
  /// translation, of which nothing else has changed. Nothing when it has, since an address became
  /// or ceased to be that of a private upstream: then translate anew.
  std::optional<EndpointUpdate> endpoints(const Store& store) const;

  /// The pods behind the upstreams of the last translation, private ones too. Made when it is
  /// asked for: nobody waits for it when endpoints change.
  PodAddresses pods(const Store& store) const;

 private:
  /// What is known of one Ingress.
  struct Known {
    PreparedPtr made;       ///< from the object in the store
    PreparedPtr last_good;  ///< of the same uid
    PreparedPtr claim;      ///< of `made`, while it is refused and there is no good version
  };

  PreparedPtr serve(Known& known, const std::shared_ptr<const Ingress>& ingress, const Store& store,
                    Notices& notices) const;
  PreparedPtr last_good(Known& known, const Store& store) const;
  std::vector<PreparedPtr> prepare_all(const Store& store, const ClassSelection& classes,
                                       Notices& notices, Translation& translation);

  const TranslatorSettings settings_;
  std::map<ObjectName, Known> known_;
  CertificateCache certificates_;
  RouteCache routes_;
  // Of the last translation.
  std::vector<EndpointSource> sources_;
  std::vector<ServicePortRef> private_ports_;
  bool refused_private_ = false;
};

}  // namespace gateway::kubernetes
