#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "gateway/kubernetes/certificate_plan.h"
#include "gateway/kubernetes/prepared_ingress.h"
#include "gateway/kubernetes/store.h"
#include "gateway/kubernetes/translation.h"
#include "gateway/kubernetes/upstream_book.h"

namespace gateway::kubernetes {

/// Turns the objects of a cluster into what the gateway serves: a function of the store, but for
/// one thing. An Ingress that is refused as it is now goes on with its last version that was good,
/// if this translator saw one; if not, its paths answer 503. One thread.
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

 private:
  PreparedPtr prepare_one(const std::shared_ptr<const Ingress>& ingress, const Store& store,
                          Notices& notices);
  PreparedPtr prepared(const std::shared_ptr<const Ingress>& ingress, const Store& store);
  std::vector<PreparedPtr> prepare_all(const Store& store, const ClassSelection& classes,
                                       Notices& notices, Translation& translation);

  const TranslatorSettings settings_;
  /// By uid: the last version that was good.
  std::map<std::string, std::shared_ptr<const Ingress>> accepted_;
  /// What was made from Ingresses alone, while they are in the store.
  std::map<const Ingress*, PreparedPtr> prepared_;
  CertificateCache certificates_;
  // Of the last translation.
  std::vector<EndpointSource> sources_;
  std::vector<ServicePortRef> private_ports_;
  bool refused_private_ = false;
};

}  // namespace gateway::kubernetes
