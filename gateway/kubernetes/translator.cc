#include "gateway/kubernetes/translator.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "gateway/kubernetes/host_plan.h"
#include "gateway/kubernetes/ingress_class.h"
#include "gateway/kubernetes/route_writer.h"
#include "gateway/kubernetes/service_index.h"

namespace gateway::kubernetes {
namespace {

// Manifests that were never applied have no uid.
std::string identity(const Ingress& ingress) {
  return ingress.meta.uid.empty() ? ingress.meta.object_name().to_string() : ingress.meta.uid;
}

bool older(const PreparedPtr& a, const PreparedPtr& b) {
  return std::tie(a->meta().created, a->meta().namespace_, a->meta().name) <
         std::tie(b->meta().created, b->meta().namespace_, b->meta().name);
}

std::string joined(const std::vector<std::string>& sentences) {
  std::string text;
  for (const std::string& each : sentences) text += (text.empty() ? "" : "; ") + each;
  return text;
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

PreparedPtr Translator::prepared(const std::shared_ptr<const Ingress>& ingress,
                                 const Store& store) {
  const auto known = prepared_.find(ingress.get());
  if (known != prepared_.end()) return known->second;
  PreparedPtr made = prepare(ingress, store, settings_);
  if (made->outcome.self_contained) prepared_.emplace(ingress.get(), made);
  return made;
}

PreparedPtr Translator::prepare_one(const std::shared_ptr<const Ingress>& ingress,
                                    const Store& store, Notices& notices) {
  PreparedPtr made = prepared(ingress, store);
  const ObjectMeta& meta = ingress->meta;
  for (const std::string& warning : made->outcome.warnings)
    notices.add(meta, Severity::warning, kUnknownAnnotation, warning);
  auto& last_good = accepted_[identity(*ingress)];
  if (made->outcome.refusals.empty()) {
    last_good = ingress;
    if (!made->plan().unusable.empty())
      notices.add(meta, Severity::warning, kAuthUnusable,
                  made->plan().unusable + "; the paths answer 503", true);
    return made;
  }
  const std::string why = joined(made->outcome.refusals);
  if (last_good && last_good != ingress) {
    const PreparedPtr before = prepared(last_good, store);
    if (before->outcome.refusals.empty()) {
      notices.add(meta, Severity::warning, kRefused, why + "; its last good version is served",
                  true);
      return before;
    }
  }
  notices.add(meta, Severity::warning, kRefused, why + "; its paths answer 503", true);
  auto refused = std::make_shared<PreparedIngress>(*made);
  claim_what_is_readable(*refused);
  return refused;
}

std::vector<PreparedPtr> Translator::prepare_all(const Store& store, const ClassSelection& classes,
                                                 Notices& notices, Translation& translation) {
  std::vector<PreparedPtr> ingresses;
  std::set<std::string> present;
  for (const auto& [name, ingress] : store.table<Ingress>().all()) {
    if (!classes.ours(*ingress)) continue;
    translation.ours.insert(name);
    present.insert(identity(*ingress));
    ingresses.push_back(prepare_one(ingress, store, notices));
  }
  std::erase_if(accepted_,
                [&](const auto& each) { return !each.second || !present.contains(each.first); });
  // What no Ingress in use was made from would only cost memory.
  std::set<const Ingress*> used;
  for (const auto& [name, ingress] : store.table<Ingress>().all()) used.insert(ingress.get());
  for (const auto& [uid, ingress] : accepted_) used.insert(ingress.get());
  std::erase_if(prepared_, [&](const auto& each) { return !used.contains(each.first); });
  std::sort(ingresses.begin(), ingresses.end(), older);
  return ingresses;
}

Translation Translator::translate(const Store& store) {
  Translation translation;
  Notices notices;
  const ClassSelection classes(store, settings_);
  const std::vector<PreparedPtr> ingresses = prepare_all(store, classes, notices, translation);
  const ServiceIndex services(store);
  UpstreamBook book(services, settings_);
  // Also of those that are refused: what somebody meant to keep private must not open.
  for (const PreparedPtr& ingress : ingresses)
    for (const AskedService& asked : ingress->plan().asked)
      if (asked.private_) book.keep_private(asked.service);
  prefer_settings(ingresses, book);
  HostPlans hosts = merge_hosts(ingresses, classes, notices);
  translation.certificates =
      plan_certificates(ingresses, store, settings_, certificates_, hosts, notices);
  RouteWriter writer(settings_, book, notices, translation);
  for (const auto& [host, plan] : hosts) writer.write(host, plan);
  writer.write_default(hosts);
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
  EndpointUpdate update;
  for (const ServicePortRef& port : private_ports_) services.add_addresses(port, update.reserved);
  for (const EndpointSource& source : sources_) {
    auto list = services.endpoints(source.port);
    if (!source.private_)
      for (const upstream::SuppliedEndpoint& endpoint : list)
        if (update.reserved.contains(endpoint.address)) return std::nullopt;
    update.endpoints[source.upstream] = std::move(list);
  }
  return update;
}

}  // namespace gateway::kubernetes
