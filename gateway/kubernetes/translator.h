#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "gateway/kubernetes/certificate_plan.h"
#include "gateway/kubernetes/crossings.h"
#include "gateway/kubernetes/host_book.h"
#include "gateway/kubernetes/ingress_class.h"
#include "gateway/kubernetes/prepared_ingress.h"
#include "gateway/kubernetes/settings_pool.h"
#include "gateway/kubernetes/store.h"
#include "gateway/kubernetes/translation.h"
#include "gateway/kubernetes/upstream_book.h"

namespace gateway::kubernetes {

/// Turns the objects of a cluster into what the gateway serves: a function of the store, but for
/// one thing. An Ingress that is refused as it is now goes on with its last version that was good,
/// if this translator saw one and that is not open where the new one asks for a login; if not, its
/// paths answer 503.
///
/// What was made is kept until what it was made from changes, each part by itself: an Ingress, a
/// host with its routes, a certificate, an upstream, the list of an upstream's endpoints. One
/// thread.
class Translator {
 public:
  /// `parsed`, if not null, is told of each certificate that was parsed and outlives this: whoever
  /// serves them need not parse them again.
  explicit Translator(TranslatorSettings settings, net::CertificateStore* parsed = nullptr)
      : settings_(std::move(settings)), book_(settings_), certificates_(settings_, parsed) {}
  Translator(const Translator&) = delete;
  Translator& operator=(const Translator&) = delete;

  /// The store must stay where it is until the next call.
  Translation translate(const Store& store);

  struct EndpointUpdate {
    EndpointLists endpoints;
    std::set<SocketAddress> reserved;
  };
  /// After a change of EndpointSlices alone: the endpoints of the upstreams of the last
  /// translation, of which nothing else has changed. Nothing when it has, since an address became
  /// or ceased to be that of a private upstream: then translate anew.
  std::optional<EndpointUpdate> endpoints(const Store& store);

  /// The pods behind the upstreams of the last translation, private ones too. Made when it is
  /// asked for: nobody waits for it when endpoints change.
  PodAddresses pods(const Store& store) const;

 private:
  /// What is known of one Ingress.
  struct Known {
    const Ingress* object = nullptr;  ///< of `made`
    PreparedPtr made;                 ///< from the object in the store
    PreparedPtr last_good;            ///< of the same uid
    PreparedPtr claim;   ///< of `made`, while it is refused and there is no good version
    PreparedPtr served;  ///< one of these
    bool plain = false;  ///< it is good, and nothing but it was read
    std::vector<Notice> notices;
  };
  using AllKnown = std::map<ObjectName, Known>;
  /// An Ingress that is served, with what its names mean in the book of upstreams.
  struct Served {
    PreparedPtr ingress;
    std::vector<UpstreamBook::Entry> kept_private;
    std::vector<UpstreamBook::Entry> backends;
  };
  /// As it was and as it is; null: not at all.
  struct Change {
    PreparedPtr before;
    PreparedPtr after;
  };

  void look_at_ingresses(const Store& store, const ClassSelection& classes, Notices& notices);
  void look_at_ingress(Known& known, const std::shared_ptr<const Ingress>& ingress,
                       const Store& store);
  AllKnown::iterator forget(AllKnown::iterator known);
  PreparedPtr prepared(std::shared_ptr<const Ingress> ingress, const Store& store);
  PreparedPtr serve(Known& known, const std::shared_ptr<const Ingress>& ingress, const Store& store,
                    Notices& notices);
  PreparedPtr last_good(Known& known, const Store& store);
  Served served(PreparedPtr ingress);
  void put_in_order();
  void look_at_certificates(const Store& store);
  void refer(const ClassSelection& classes);
  void ask_book();
  void bind_certificates(Notices& notices, Translation& translation);
  void bind_hosts();
  void write_routes(Notices& notices, Translation& translation);

  const TranslatorSettings settings_;
  UpstreamBook book_;
  CertificateBook certificates_;
  SettingsPool pool_;
  AllKnown known_;
  std::vector<Served> by_age_;   ///< the oldest first
  std::vector<Change> changes_;  ///< of this translation
  HostBook hosts_;
  Crossings crossings_;
  // Of the last translation.
  std::optional<ClassSelection> classes_;
  bool names_changed_ = true;  ///< what Ingresses are called, or what they name
  References references_;
  std::shared_ptr<const std::set<ObjectName>> ours_;
  CertificatePtr default_certificate_;
  std::shared_ptr<const config::PemPair> default_pem_;
  std::vector<ExtraBinding> extra_bindings_;
  std::vector<config::CertificateSource> certificate_sources_;  ///< but for the default one
  std::vector<std::shared_ptr<const config::Route>> default_routes_;
  std::size_t routes_ = 0;
};

}  // namespace gateway::kubernetes
