#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "gateway/kubernetes/event_writer.h"
#include "gateway/kubernetes/lease.h"
#include "gateway/kubernetes/load_balancer.h"
#include "gateway/kubernetes/node_addresses.h"
#include "gateway/kubernetes/object_watch.h"
#include "gateway/kubernetes/status_writer.h"
#include "gateway/kubernetes/store.h"
#include "gateway/kubernetes/table_watch.h"
#include "gateway/kubernetes/translation.h"
#include "gateway/kubernetes/translator.h"
#include "gateway/runtime/timer.h"

namespace gateway::kubernetes {

struct ControllerSettings {
  TranslatorSettings translator;
  std::vector<std::string> namespaces;        ///< that are watched; empty: all
  std::optional<ObjectName> publish_service;  ///< whose addresses our Ingresses show
  LoadBalancerAddresses publish_addresses;    ///< those that they show without it
  /// Without either: those of the nodes on which pods of this Service serve (see NodeAddresses).
  std::optional<ObjectName> publish_nodes_of = {};
  bool shadow = false;                            ///< writes nothing: beside another controller
  net::CertificateStore* certificates = nullptr;  ///< see Translator
  std::string identity;                           ///< of this replica alone: its pod's name
  std::string own_namespace;                      ///< where the Lease is
  std::string lease = "gateway";
  /// A change waits so long for others that belong to it, and never longer than `longest`.
  Duration hold_off = std::chrono::milliseconds(2);
  Duration longest_hold_off = std::chrono::milliseconds(100);
};

/// Who serves what the controller makes of the cluster.
class ControllerListener {
 public:
  /// The whole of it, anew; the first comes when everything has been listed once.
  virtual void on_translation(std::shared_ptr<const Translation> translation) = 0;
  /// Endpoints of the last translation, of which nothing else has changed.
  virtual void on_endpoints(Translator::EndpointUpdate update) = 0;
  /// Controller::is_leader() has another answer.
  virtual void on_leadership() = 0;
  /// A line for the log.
  virtual void on_remark(const std::string& remark) = 0;

 protected:
  ~ControllerListener() = default;
};

/// Makes configuration of a cluster's objects, and tells the cluster what became of them: watches →
/// store → hold-off → translation, always of everything. Every replica does; the one that holds the
/// Lease writes status and Events. While the API server is away, what is known stays good. One
/// thread.
class Controller {
 public:
  /// All outlive it. `clock` is asked anew each time (see Lease).
  Controller(TimerWheel& timers, Random& random, const Clock& clock, Api& api,
             ControllerSettings settings, ControllerListener& listener);
  ~Controller();
  Controller(const Controller&) = delete;
  Controller& operator=(const Controller&) = delete;

  void start();
  /// Gives the Lease back, so that another need not wait for it; then `done`. The watches go on.
  void release(std::function<void()> done);

  /// Everything has been listed once; stays true.
  bool synced() const { return synced_; }
  /// The objects as known now.
  const Store& store() const { return store_; }
  bool is_leader() const { return lease_ && lease_->is_leader(); }
  /// The pods behind the upstreams of the last translation, as known now.
  PodAddresses pods() const { return translator_.pods(store_); }
  /// Why objects are not being followed now, or why something could not be written: a line for
  /// each; empty when all is well.
  std::vector<std::string> problems() const;

 private:
  /// A watch of whatever kind: started and asked alike.
  struct AnyWatch;
  template <typename T>
  struct TypedWatch;
  using Watches = std::map<std::string, std::unique_ptr<AnyWatch>>;

  template <typename T>
  std::unique_ptr<AnyWatch> make_watch(std::string_view prefix, std::string_view plural,
                                       const Scope& scope, std::string field_selector);
  template <typename T>
  void add_watch(std::string_view prefix, std::string_view plural, const Scope& scope,
                 std::string field_selector = {});
  void add_watches();
  void follow_published(const ObjectName& service);
  bool shows_nodes() const;
  void follow_nodes(bool leader);
  void pass_over_certificates();
  void follow_references();
  template <typename T>
  void follow(std::string_view plural, const std::set<ObjectName>& names, Watches& before);
  void on_change();
  void on_unreadable(const Error& error);
  void run();
  void translate();
  void publish_endpoints();
  bool everything_listed() const;
  bool references_listed() const;

  TimerWheel& timers_;
  Random& random_;
  const Clock& clock_;
  Api& api_;
  const ControllerSettings settings_;
  ControllerListener& listener_;
  Store store_;
  Translator translator_;
  std::shared_ptr<const Translation> translation_;
  StatusWriter status_;
  EventWriter events_;
  std::unique_ptr<Lease> lease_;  ///< null in shadow
  std::unique_ptr<ObjectWatch> published_;
  std::unique_ptr<NodeAddresses> nodes_;  ///< while this replica leads
  std::vector<std::unique_ptr<AnyWatch>> watches_;
  std::vector<TableWatch<Secret>*> certificates_;  ///< of `watches_`, those of all TLS Secrets
  /// TLS Secrets that are named since a moment and that were passed over until then.
  std::set<ObjectName> awaited_certificates_;
  /// Single objects that Ingresses name, by "kind namespace/name".
  Watches references_;
  Timer hold_off_;
  Instant waiting_since_{};
  /// Until then objects that are named since a moment are waited for.
  Instant references_awaited_until_{};
  std::uint64_t model_version_ = 0;
  std::uint64_t endpoints_version_ = 0;
  bool synced_ = false;
};

}  // namespace gateway::kubernetes
