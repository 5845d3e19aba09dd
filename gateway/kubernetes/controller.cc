#include "gateway/kubernetes/controller.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

namespace gateway::kubernetes {
namespace {

constexpr std::string_view kCore = "/api/v1";
constexpr std::string_view kNetworking = "/apis/networking.k8s.io/v1";
constexpr std::string_view kDiscovery = "/apis/discovery.k8s.io/v1";
/// The one type of Secrets that is followed as a whole.
constexpr std::string_view kTlsType = "kubernetes.io/tls";
/// More objects of one namespace than that are followed by one watch of the namespace.
constexpr std::size_t kMostSingles = 64;
/// A named object that cannot be read (it may be forbidden) must not keep all others waiting.
constexpr Duration kLongestForReferences = std::chrono::seconds(3);

std::string reference_key(std::string_view plural, const Scope& scope) {
  return fmt::format("{} {}/{}", plural, scope.namespace_, scope.name);
}

using Followed = std::function<bool(const ObjectName&)>;

}  // namespace

struct Controller::AnyWatch {
  virtual ~AnyWatch() = default;
  virtual Watch& watch() = 0;
  /// What only this watch has told of leaves the store, but for what another one has still.
  virtual void forget(Store& store, const Followed& followed) = 0;
};

template <typename T>
struct Controller::TypedWatch final : AnyWatch {
  TypedWatch(Controller& owner, Collection collection, const Scope& scope_of_it,
             typename TableWatch<T>::Hooks hooks)
      : scope(scope_of_it),
        table(owner.timers_, owner.random_, owner.api_, std::move(collection), scope, owner.store_,
              std::move(hooks)) {}

  Watch& watch() override { return table.watch(); }

  void forget(Store& store, const Followed& followed) override {
    std::vector<ObjectName> names;
    for (const auto& [name, object] : store.table<T>().all()) {
      if constexpr (std::is_same_v<T, Secret>)
        if (object->type == kTlsType) continue;
      if (scope.holds(name) && !followed(name)) names.push_back(name);
    }
    for (const ObjectName& name : names) store.erase<T>(name);
  }

  const Scope scope;
  TableWatch<T> table;
};

Controller::Controller(TimerWheel& timers, Random& random, const Clock& clock, Api& api,
                       ControllerSettings settings, ControllerListener& listener)
    : timers_(timers),
      random_(random),
      clock_(clock),
      api_(api),
      settings_(std::move(settings)),
      listener_(listener),
      translator_(settings_.translator, settings_.certificates),
      status_(timers, random, api, [this] { return is_leader(); }),
      events_(timers, random, api, [this] { return is_leader(); },
              {settings_.translator.controller, settings_.identity}),
      hold_off_(Callback<>::bind<&Controller::run>(this)) {}

Controller::~Controller() = default;

template <typename T>
std::unique_ptr<Controller::AnyWatch> Controller::make_watch(std::string_view prefix,
                                                             std::string_view plural,
                                                             const Scope& scope,
                                                             std::string field_selector) {
  typename TableWatch<T>::Hooks hooks{[this] { on_change(); },
                                      [this](const Error& error) { on_unreadable(error); }};
  if constexpr (std::is_same_v<T, Ingress>)
    hooks.seen = [this](std::string_view object) { status_.seen(object); };
  if constexpr (std::is_same_v<T, Secret>)
    if (!field_selector.empty())
      hooks.owns = [](const Secret& secret) { return secret.type == kTlsType; };
  Collection collection = collection_of(prefix, plural, scope);
  if (!field_selector.empty()) collection.field_selector = std::move(field_selector);
  auto made =
      std::make_unique<TypedWatch<T>>(*this, std::move(collection), scope, std::move(hooks));
  made->watch().start();
  return made;
}

template <typename T>
void Controller::add_watch(std::string_view prefix, std::string_view plural, const Scope& scope,
                           std::string field_selector) {
  watches_.push_back(make_watch<T>(prefix, plural, scope, std::move(field_selector)));
}

void Controller::start() {
  add_watches();
  if (settings_.publish_service)
    follow_published(*settings_.publish_service);
  else if (!shows_nodes())
    status_.set_addresses(settings_.publish_addresses);
  if (settings_.shadow) return;
  LeaseOptions options;
  options.namespace_name = settings_.own_namespace;
  options.name = settings_.lease;
  options.identity = settings_.identity;
  lease_ = std::make_unique<Lease>(
      timers_, random_, clock_, api_, std::move(options), [this](bool leader) {
        listener_.on_remark(leader ? "this replica writes status and Events from now on"
                                   : "another replica writes status and Events");
        if (shows_nodes()) follow_nodes(leader);
        status_.reconsider();
        events_.reconsider();
        listener_.on_leadership();
      });
  lease_->start();
}

void Controller::follow_published(const ObjectName& service) {
  published_ = std::make_unique<ObjectWatch>(
      timers_, random_, api_, collection_of(kCore, "services", {service.namespace_, service.name}),
      [this](std::string_view object) {
        status_.set_addresses(object.empty() ? LoadBalancerAddresses()
                                             : LoadBalancerStatus::read(object).addresses);
      });
  published_->start();
}

bool Controller::shows_nodes() const {
  return !settings_.publish_service && settings_.publish_addresses.empty() &&
         settings_.publish_nodes_of;
}

// Each node is watched for itself: by all replicas it would be the square of their number.
void Controller::follow_nodes(bool leader) {
  nodes_.reset();
  status_.forget_addresses();
  if (!leader) return;
  nodes_ = std::make_unique<NodeAddresses>(
      timers_, random_, api_, *settings_.publish_nodes_of,
      [this](LoadBalancerAddresses addresses) { status_.set_addresses(std::move(addresses)); });
  nodes_->start();
}

void Controller::add_watches() {
  add_watch<IngressClass>(kNetworking, "ingressclasses", {});
  std::vector<Scope> scopes;
  for (const std::string& each : settings_.namespaces) scopes.push_back({each, {}});
  if (scopes.empty()) scopes.emplace_back();
  for (const Scope& scope : scopes) {
    add_watch<Ingress>(kNetworking, "ingresses", scope);
    add_watch<Service>(kCore, "services", scope);
    add_watch<EndpointSlice>(kDiscovery, "endpointslices", scope);
    add_watch<Secret>(kCore, "secrets", scope, fmt::format("type={}", kTlsType));
    certificates_.push_back(&static_cast<TypedWatch<Secret>&>(*watches_.back()).table);
  }
}

void Controller::release(std::function<void()> done) {
  if (!lease_) return done();
  lease_->release(std::move(done));
}

// What belongs together comes one after the other: a Service with its EndpointSlice, an Ingress
// with its Secret.
void Controller::on_change() {
  const Instant now = timers_.now();
  if (!hold_off_.armed()) waiting_since_ = now;
  const Duration left = waiting_since_ + settings_.longest_hold_off - now;
  hold_off_.arm(timers_, std::clamp(left, Duration::zero(), settings_.hold_off));
}

void Controller::on_unreadable(const Error& error) {
  listener_.on_remark("an object cannot be read and stays as it was: " + error.detail);
}

bool Controller::everything_listed() const {
  return std::all_of(watches_.begin(), watches_.end(),
                     [](const auto& each) { return each->watch().synced(); });
}

bool Controller::references_listed() const {
  return std::all_of(references_.begin(), references_.end(),
                     [](const auto& each) { return each.second->watch().synced(); });
}

void Controller::run() {
  if (!everything_listed()) return;
  if (!translation_ || model_version_ != store_.model_version()) return translate();
  if (endpoints_version_ != store_.endpoints_version()) publish_endpoints();
}

void Controller::translate() {
  model_version_ = store_.model_version();
  endpoints_version_ = store_.endpoints_version();
  translation_ = std::make_shared<const Translation>(translator_.translate(store_));
  pass_over_certificates();
  follow_references();
  // Whoever needs a Secret to be guarded must not be seen without it, not even for a moment; nor
  // may paths fail because what they have begun to name has not been read yet.
  if (!references_listed() && timers_.now() < references_awaited_until_) {
    hold_off_.arm(timers_, settings_.longest_hold_off);
    model_version_ = 0;
    return;
  }
  synced_ = true;
  listener_.on_translation(translation_);  // first: who waits for it waits for no status
  status_.keep(store_.table<Ingress>().all());
  status_.set_ingresses(*translation_->ours);
  events_.set_notices(translation_->notices);
}

void Controller::publish_endpoints() {
  auto update = translator_.endpoints(store_);
  if (!update) return translate();
  endpoints_version_ = store_.endpoints_version();
  listener_.on_endpoints(std::move(*update));
}

template <typename T>
void Controller::follow(std::string_view plural, const std::set<ObjectName>& names,
                        Watches& before) {
  std::map<std::string, std::size_t> in_namespace;
  for (const ObjectName& name : names) ++in_namespace[name.namespace_];
  for (const ObjectName& name : names) {
    Scope scope{name.namespace_, name.name};
    if (in_namespace[name.namespace_] > kMostSingles) scope.name.clear();
    const std::string key = reference_key(plural, scope);
    auto& slot = references_[key];
    if (slot) continue;
    if (auto known = before.extract(key); !known.empty()) {
      slot = std::move(known.mapped());
    } else {
      slot = make_watch<T>(kCore, plural, scope, {});
      // Others that come while this is waited for do not make it longer.
      const Instant now = timers_.now();
      if (now >= references_awaited_until_) references_awaited_until_ = now + kLongestForReferences;
    }
  }
}

// Keys that nobody names are not kept in memory: the API server can only list them all. One that
// somebody begins to name is asked for by its name until it is there.
void Controller::pass_over_certificates() {
  const References& named = translation_->references;
  std::vector<ObjectName> unnamed;
  for (const auto& [name, secret] : store_.table<Secret>().all())
    if (secret->type == kTlsType && !named.certificates.contains(name) &&
        !named.secrets.contains(name))
      unnamed.push_back(name);
  for (TableWatch<Secret>* watch : certificates_) {
    for (const ObjectName& name : unnamed) watch->pass_over(name);
    for (const auto* names : {&named.certificates, &named.secrets})
      for (const ObjectName& name : *names)
        if (watch->take_back(name)) awaited_certificates_.insert(name);
  }
  std::erase_if(awaited_certificates_, [&](const ObjectName& name) {
    return !named.certificates.contains(name) || store_.find<Secret>(name) != nullptr;
  });
  model_version_ = store_.model_version();  // what went makes no difference
}

// Of the objects that Ingresses name only those are read.
void Controller::follow_references() {
  Watches before = std::exchange(references_, {});
  std::set<ObjectName> secrets = translation_->references.secrets;
  secrets.insert(awaited_certificates_.begin(), awaited_certificates_.end());
  follow<Secret>("secrets", secrets, before);
  follow<ConfigMap>("configmaps", translation_->references.config_maps, before);
  for (auto& [key, watch] : before) {
    const std::string plural = key.substr(0, key.find(' '));
    watch->forget(store_, [&](const ObjectName& name) {
      return references_.contains(reference_key(plural, {name.namespace_, name.name})) ||
             references_.contains(reference_key(plural, {name.namespace_, {}}));
    });
  }
}

std::vector<std::string> Controller::problems() const {
  std::vector<std::string> all;
  const auto add = [&](const std::string& problem) {
    if (!problem.empty() && std::find(all.begin(), all.end(), problem) == all.end())
      all.push_back(problem);
  };
  for (const auto& each : watches_) add(each->watch().problem());
  for (const auto& [key, each] : references_) add(each->watch().problem());
  if (published_) add(published_->problem());
  if (nodes_) add(nodes_->problem());
  if (lease_) add(lease_->problem());
  add(status_.problem());
  add(events_.problem());
  return all;
}

}  // namespace gateway::kubernetes
