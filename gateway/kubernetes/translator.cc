#include "gateway/kubernetes/translator.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "gateway/kubernetes/route_writer.h"

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
  const ReadBeside& read = ingress.outcome.beside();
  for (const auto& [name, secret] : read.secrets) references.secrets.insert(name);
  for (const auto& [name, map] : read.config_maps) references.config_maps.insert(name);
}

// Whether it is certain that both name the same objects.
bool name_the_same(const PreparedIngress& a, const PreparedIngress& b) {
  const auto same_name = [](const auto& x, const auto& y) { return x.first == y.first; };
  const auto same_names = [&](const auto& x, const auto& y) {
    return std::equal(x.begin(), x.end(), y.begin(), y.end(), same_name);
  };
  const ReadBeside& of_a = a.outcome.beside();
  const ReadBeside& of_b = b.outcome.beside();
  return a.certificates == b.certificates && same_names(of_a.secrets, of_b.secrets) &&
         same_names(of_a.config_maps, of_b.config_maps);
}

}  // namespace

PreparedPtr Translator::prepared(std::shared_ptr<const Ingress> ingress, const Store& store) {
  auto made = prepare(std::move(ingress), store, settings_);
  pool_.share(made->edits);
  pool_.share(made->edits_with_hsts);
  // What was read from a Secret is not kept for longer than it is served.
  if (made->outcome.beside().secrets.empty()) pool_.share(made->outcome.plan);
  return made;
}

// Made again where an object that it names has changed, unless that would refuse it now.
PreparedPtr Translator::last_good(Known& known, const Store& store) {
  if (!known.last_good || is_current(known.last_good->outcome, store)) return known.last_good;
  PreparedPtr again = prepared(known.last_good->object, store);
  if (again->outcome.refusals.empty()) known.last_good = std::move(again);
  return known.last_good;
}

PreparedPtr Translator::serve(Known& known, const std::shared_ptr<const Ingress>& ingress,
                              const Store& store, Notices& notices) {
  const ObjectMeta& meta = ingress->meta;
  if (!known.made || known.made->object != ingress || !is_current(known.made->outcome, store)) {
    // Another object of the name has no part in what this one was.
    if (known.made && known.made->meta().uid != meta.uid) known = {};
    known.made = prepared(ingress, store);
    known.claim = nullptr;
  }
  const PlanOutcome& outcome = known.made->outcome;
  for (const std::string& warning : outcome.warnings)
    notices.add(meta, Severity::warning, kUnknownAnnotation, warning);
  if (outcome.refusals.empty()) {
    known.last_good = known.made;
    if (!outcome.plan->unusable.empty())
      notices.add(meta, Severity::warning, kAuthUnusable,
                  outcome.plan->unusable + "; the paths answer 503", true);
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

void Translator::look_at_ingress(Known& known, const std::shared_ptr<const Ingress>& ingress,
                                 const Store& store) {
  Change change{known.served, nullptr};
  const PreparedPtr made = known.made;
  Notices notices;
  change.after = serve(known, ingress, store, notices);
  known.object = ingress.get();
  known.served = change.after;
  known.notices = notices.take();
  const PlanOutcome& outcome = known.made->outcome;
  known.plain = known.served == known.made && outcome.beside().empty();
  if (made == known.made && change.before == change.after) return;
  names_changed_ = names_changed_ || !made || change.before != made || change.after != known.made ||
                   !name_the_same(*made, *known.made);
  if (change.before != change.after) changes_.push_back(std::move(change));
}

Translator::AllKnown::iterator Translator::forget(AllKnown::iterator known) {
  changes_.push_back({known->second.served, nullptr});
  names_changed_ = true;
  return known_.erase(known);
}

// Both the store and what is known are sorted by name: what is known of others goes.
void Translator::look_at_ingresses(const Store& store, const ClassSelection& classes,
                                   Notices& notices) {
  const bool same_classes = classes_ && *classes_ == classes;
  auto known = known_.begin();
  for (const auto& [name, ingress] : store.table<Ingress>().all()) {
    const bool same = known != known_.end() && known->second.object == ingress.get();
    if (!(same && same_classes) && !classes.ours(*ingress)) continue;
    if (!same) {
      while (known != known_.end() && known->first < name) known = forget(known);
      if (known == known_.end() || name < known->first)
        known = known_.emplace_hint(known, name, Known{});
    }
    if (!known->second.plain || known->second.object != ingress.get())
      look_at_ingress(known->second, ingress, store);
    if (!known->second.notices.empty()) notices.add(known->second.notices);
    ++known;
  }
  while (known != known_.end()) known = forget(known);
}

Translator::Served Translator::served(PreparedPtr ingress) {
  Served made;
  const std::string& namespace_ = ingress->meta().namespace_;
  // Also of those that are refused: what somebody meant to keep private must not open.
  for (const AskedService& asked : ingress->plan().asked)
    if (asked.private_) made.kept_private.push_back(book_.find(asked.service));
  const auto add = [&](const Backend& backend) {
    auto entry = book_.find({{namespace_, backend.service}, backend.port});
    if (made.backends.empty() || made.backends.back() != entry)
      made.backends.push_back(std::move(entry));
  };
  if (!ingress->refused && !ingress->plan().canary) {
    for (const IngressRule& rule : ingress->object->rules)
      for (const IngressPath& path : rule.paths) add(path.backend);
    if (ingress->object->default_backend) add(*ingress->object->default_backend);
  }
  made.ingress = std::move(ingress);
  return made;
}

void Translator::put_in_order() {
  constexpr std::size_t kFew = 64;
  const auto by_age = [](const Served& a, const Served& b) {
    return older(*a.ingress, *b.ingress);
  };
  std::unordered_set<const PreparedIngress*> gone;
  for (const Change& change : changes_) {
    hosts_.replace(change.before, change.after);
    if (change.before) gone.insert(change.before.get());
  }
  if (!gone.empty())
    std::erase_if(by_age_, [&](const Served& each) { return gone.contains(each.ingress.get()); });
  const bool few = changes_.size() <= kFew;
  for (Change& change : changes_) {
    if (!change.after) continue;
    Served made = served(std::move(change.after));
    const auto place =
        few ? std::upper_bound(by_age_.begin(), by_age_.end(), made, by_age) : by_age_.end();
    by_age_.insert(place, std::move(made));
  }
  if (!few) std::sort(by_age_.begin(), by_age_.end(), by_age);
  changes_.clear();
}

void Translator::look_at_certificates(const Store& store) {
  const std::set<ObjectName> changed = certificates_.look(store);
  if (changed.empty()) return;
  for (const Served& each : by_age_) {
    const auto& names = each.ingress->certificates;
    if (std::any_of(names.begin(), names.end(),
                    [&](const auto& name) { return name && changed.contains(*name); }))
      hosts_.mark(*each.ingress);
  }
}

void Translator::refer(const ClassSelection& classes) {
  references_.config_maps = classes.parameters();
  references_.secrets.clear();
  references_.certificates.clear();
  if (settings_.default_certificate)
    references_.certificates.insert(*settings_.default_certificate);
  auto ours = std::make_shared<std::set<ObjectName>>();
  for (const auto& [name, known] : known_) {
    ours->insert(ours->end(), name);
    add_references(*known.made, references_);
    if (known.served != known.made) add_references(*known.served, references_);
  }
  if (!ours_ || *ours_ != *ours) ours_ = std::move(ours);
  certificates_.keep(references_.certificates);
  names_changed_ = false;
}

// The oldest Ingress's settings give an upstream its plain name, so that a new Ingress renames
// nothing that is there.
void Translator::ask_book() {
  book_.begin();
  for (const Served& each : by_age_)
    for (const UpstreamBook::Entry& entry : each.kept_private) book_.keep_private(entry);
  for (const Served& each : by_age_)
    for (const UpstreamBook::Entry& entry : each.backends)
      book_.prefer(entry, each.ingress->plan().upstream);
}

void Translator::bind_hosts() {
  std::unordered_map<CertificatePtr, std::vector<std::string>> hosts_of;
  for (const auto& [name, host] : hosts_.all())
    if (host.certificate) hosts_of[host.certificate].push_back(name);
  for (const auto& [name, certificate] : extra_bindings_) hosts_of[certificate].push_back(name);
  std::vector<CertificatePtr> sorted;
  for (const auto& [certificate, hosts] : hosts_of) sorted.push_back(certificate);
  std::sort(sorted.begin(), sorted.end(),
            [](const auto& a, const auto& b) { return a->name < b->name; });
  certificate_sources_.clear();
  for (const CertificatePtr& each : sorted)
    certificate_sources_.push_back({{}, {}, {}, pem_of(*each, std::move(hosts_of[each]))});
}

void Translator::bind_certificates(Notices& notices, Translation& translation) {
  if (hosts_.rebound() || extra_bindings_ != crossings_.bindings()) {
    extra_bindings_ = crossings_.bindings();
    bind_hosts();
  }
  const CertificatePtr named = certificates_.find_default(notices);
  if (std::exchange(default_certificate_, named) != named && named) {
    // Bound to no host, where the same Secret may be bound to some.
    NamedCertificate unbound = *named;
    unbound.bound = nullptr;
    default_pem_ = pem_of(unbound, {});
  }
  translation.has_default_certificate = named != nullptr;
  if (named) translation.certificates.push_back({{}, {}, {}, default_pem_});
  translation.certificates.insert(translation.certificates.end(), certificate_sources_.begin(),
                                  certificate_sources_.end());
}

void Translator::write_routes(Notices& notices, Translation& translation) {
  translation.routes.reserve(routes_);
  translation.origins.reserve(routes_);
  RouteWriter writer(settings_, book_, default_routes_, notices, translation);
  for (auto& [name, host] : hosts_.all()) {
    if (!host.notices.empty()) notices.add(host.notices);
    if (host.plan) writer.write(name, host);
  }
  writer.write_default(hosts_.all());
  routes_ = translation.routes.size();
}

Translation Translator::translate(const Store& store) {
  Translation translation;
  Notices notices;
  ClassSelection classes(store, settings_);
  const bool other_classes = !classes_ || !(*classes_ == classes);
  book_.look(store);
  look_at_ingresses(store, classes, notices);
  put_in_order();
  look_at_certificates(store);
  if (other_classes) hosts_.mark_all();
  if (other_classes || names_changed_) refer(classes);
  ask_book();
  hosts_.settle(classes, certificates_);
  classes_ = std::move(classes);
  crossings_.settle(hosts_, certificates_, notices);
  bind_certificates(notices, translation);
  write_routes(notices, translation);
  book_.finish(translation);
  translation.references = references_;
  translation.ours = ours_;
  translation.notices = notices.take();
  return translation;
}

std::optional<Translator::EndpointUpdate> Translator::endpoints(const Store& store) {
  // An address that is private no more would be served only after a translation.
  if (book_.refused_any()) return std::nullopt;
  book_.look(store);
  WaysIn private_ways;
  for (const ServicePortRef& port : book_.private_ports())
    book_.services().add_ways(port, private_ways);
  EndpointUpdate update;
  for (const UpstreamBook::Source& source : book_.sources()) {
    const upstream::SuppliedEndpoints& list = book_.endpoints(source);
    if (!source.private_)
      for (const upstream::SuppliedEndpoint& endpoint : *list)
        if (private_ways.lead_over(endpoint.address)) return std::nullopt;
    update.endpoints.emplace(source.upstream->name, list);
  }
  update.reserved = std::move(private_ways.addresses);
  return update;
}

PodAddresses Translator::pods(const Store& store) const {
  const ServiceIndex services(store);
  PodAddresses pods;
  for (const UpstreamBook::Source& source : book_.sources()) services.add_pods(source.ref(), pods);
  return pods;
}

}  // namespace gateway::kubernetes
