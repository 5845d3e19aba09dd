#include "gateway/kubernetes/translator.h"

#include <fmt/format.h>

#include <algorithm>

#include "gateway/kubernetes/client_certificates.h"
#include "gateway/kubernetes/host_plan.h"
#include "gateway/kubernetes/ingress_class.h"
#include "gateway/kubernetes/route_writer.h"
#include "gateway/kubernetes/service_index.h"

namespace gateway::kubernetes {
namespace {

std::string joined(const std::vector<std::string>& sentences) {
  std::string text;
  for (const std::string& each : sentences) text += (text.empty() ? "" : "; ") + each;
  return text;
}

void add_references(const PreparedIngress& ingress, References& references) {
  for (const auto& name : ingress.certificates)
    if (name) references.certificates.insert(*name);
  for (const auto& [name, secret] : ingress.outcome.secrets) references.secrets.insert(name);
  for (const auto& [name, map] : ingress.outcome.config_maps) references.config_maps.insert(name);
}

// The oldest Ingress's settings give an upstream its plain name, so that a new Ingress renames
// nothing that is there.
void prefer_settings(const std::vector<PreparedPtr>& ingresses, UpstreamBook& book) {
  for (const PreparedPtr& ingress : ingresses) {
    if (ingress->refused || ingress->plan().canary) continue;
    const std::string& namespace_ = ingress->meta().namespace_;
    const UpstreamSettings& settings = ingress->plan().upstream;
    const auto prefer = [&](const Backend& backend) {
      book.prefer({{namespace_, backend.service}, backend.port}, settings);
    };
    for (const IngressRule& rule : ingress->object->rules)
      for (const IngressPath& path : rule.paths) prefer(path.backend);
    if (ingress->object->default_backend) prefer(*ingress->object->default_backend);
  }
}

}  // namespace

// Made again where an object that it names has changed, unless that would refuse it now.
PreparedPtr Translator::last_good(Known& known, const Store& store) const {
  if (!known.last_good || is_current(known.last_good->outcome, store)) return known.last_good;
  PreparedPtr again = prepare(known.last_good->object, store, settings_);
  if (again->outcome.refusals.empty()) known.last_good = std::move(again);
  return known.last_good;
}

PreparedPtr Translator::serve(Known& known, const std::shared_ptr<const Ingress>& ingress,
                              const Store& store, Notices& notices) const {
  const ObjectMeta& meta = ingress->meta;
  if (!known.made || known.made->object != ingress || !is_current(known.made->outcome, store)) {
    // Another object of the name has no part in what this one was.
    if (known.made && known.made->meta().uid != meta.uid) known = {};
    known.made = prepare(ingress, store, settings_);
    known.claim = nullptr;
  }
  const PlanOutcome& outcome = known.made->outcome;
  for (const std::string& warning : outcome.warnings)
    notices.add(meta, Severity::warning, kUnknownAnnotation, warning);
  if (outcome.refusals.empty()) {
    known.last_good = known.made;
    if (!outcome.plan.unusable.empty())
      notices.add(meta, Severity::warning, kAuthUnusable,
                  outcome.plan.unusable + "; the paths answer 503", true);
    return known.made;
  }
  const std::string why = joined(outcome.refusals);
  PreparedPtr before = last_good(known, store);
  if (before && !adds_login(*ingress, *before->object)) {
    notices.add(meta, Severity::warning, kRefused, why + "; its last good version is served", true);
    return before;
  }
  notices.add(meta, Severity::warning, kRefused, why + "; its paths answer 503", true);
  if (!known.claim) {
    auto claim = std::make_shared<PreparedIngress>(*known.made);
    claim_what_is_readable(*claim);
    known.claim = std::move(claim);
  }
  return known.claim;
}

std::vector<PreparedPtr> Translator::prepare_all(const Store& store, const ClassSelection& classes,
                                                 Notices& notices, Translation& translation) {
  std::vector<PreparedPtr> ingresses;
  ingresses.reserve(store.table<Ingress>().all().size());
  // Both are sorted by name: what is known of others goes.
  auto known = known_.begin();
  for (const auto& [name, ingress] : store.table<Ingress>().all()) {
    if (!classes.ours(*ingress)) continue;
    while (known != known_.end() && known->first < name) known = known_.erase(known);
    if (known == known_.end() || name < known->first)
      known = known_.emplace_hint(known, name, Known{});
    translation.ours.insert(translation.ours.end(), name);
    ingresses.push_back(serve(known->second, ingress, store, notices));
    add_references(*known->second.made, translation.references);
    if (ingresses.back() != known->second.made)
      add_references(*ingresses.back(), translation.references);
    ++known;
  }
  known_.erase(known, known_.end());
  // The oldest first; of one age in the order of their names, which is the store's.
  std::stable_sort(ingresses.begin(), ingresses.end(), [](const auto& a, const auto& b) {
    return a->meta().created < b->meta().created;
  });
  return ingresses;
}

Translation Translator::translate(const Store& store) {
  Translation translation;
  Notices notices;
  const ClassSelection classes(store, settings_);
  translation.references.config_maps = classes.parameters();
  if (settings_.default_certificate)
    translation.references.certificates.insert(*settings_.default_certificate);
  const std::vector<PreparedPtr> ingresses = prepare_all(store, classes, notices, translation);
  const ServiceIndex services(store);
  UpstreamBook book(services, settings_);
  // Also of those that are refused: what somebody meant to keep private must not open.
  for (const PreparedPtr& ingress : ingresses)
    for (const AskedService& asked : ingress->plan().asked)
      if (asked.private_) book.keep_private(asked.service);
  prefer_settings(ingresses, book);
  HostPlans hosts = merge_hosts(ingresses, classes, notices);
  settle_client_certificates(ingresses, hosts, notices);
  plan_certificates(ingresses, store, settings_, certificates_, hosts, notices, translation);
  RouteWriter writer(settings_, book, routes_, notices, translation);
  for (const auto& [host, plan] : hosts) writer.write(host, plan);
  writer.write_default(hosts);
  routes_.drop_unused();
  refused_private_ = book.refused_any();
  sources_ = book.sources();
  private_ports_ = book.private_ports();
  book.finish(translation);
  translation.notices = notices.take();
  return translation;
}

std::optional<Translator::EndpointUpdate> Translator::endpoints(const Store& store) const {
  // An address that is private no more would be served only after a translation.
  if (refused_private_) return std::nullopt;
  const ServiceIndex services(store);
  WaysIn private_ways;
  for (const ServicePortRef& port : private_ports_) services.add_ways(port, private_ways);
  EndpointUpdate update;
  for (const EndpointSource& source : sources_) {
    auto list = services.endpoints(source.port);
    if (!source.private_)
      for (const upstream::SuppliedEndpoint& endpoint : list)
        if (private_ways.lead_over(endpoint.address)) return std::nullopt;
    update.endpoints.emplace_hint(update.endpoints.end(), source.upstream, std::move(list));
  }
  update.reserved = std::move(private_ways.addresses);
  return update;
}

PodAddresses Translator::pods(const Store& store) const {
  const ServiceIndex services(store);
  PodAddresses pods;
  for (const EndpointSource& source : sources_) services.add_pods(source.port, pods);
  return pods;
}

}  // namespace gateway::kubernetes
