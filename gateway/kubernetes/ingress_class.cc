#include "gateway/kubernetes/ingress_class.h"

#include <algorithm>

#include "gateway/kubernetes/annotation.h"

namespace gateway::kubernetes {
namespace {

bool asks_for_compatibility(const Store& store, const IngressClass& made) {
  if (!made.parameters) return false;
  const ConfigMap* parameters = store.find<ConfigMap>(*made.parameters);
  if (parameters == nullptr) return false;
  const auto found = parameters->data.find("compat");
  return found != parameters->data.end() && found->second == "ingress-nginx";
}

bool is_our_controller(const std::string& name, const TranslatorSettings& settings) {
  const auto& others = settings.also_controllers;
  return name == settings.controller ||
         std::find(others.begin(), others.end(), name) != others.end();
}

}  // namespace

ClassSelection::ClassSelection(const Store& store, const TranslatorSettings& settings)
    : ours_(settings.also_classes.begin(), settings.also_classes.end()),
      classless_(settings.classless),
      all_compatible_(settings.ingress_nginx_paths) {
  for (const auto& [name, made] : store.table<IngressClass>().all()) {
    if (!is_our_controller(made->controller, settings)) continue;
    ours_.insert(name.name);
    if (made->is_default()) classless_ = true;
    if (made->parameters) parameters_.insert(*made->parameters);
    if (asks_for_compatibility(store, *made)) compatible_.insert(name.name);
  }
}

// The old annotation goes first where an object has both, as everywhere.
const std::string* ClassSelection::class_of(const Ingress& ingress) {
  const auto old = ingress.meta.annotations.find(kClassAnnotation);
  if (old != ingress.meta.annotations.end()) return &old->second;
  return ingress.class_name ? &*ingress.class_name : nullptr;
}

bool ClassSelection::ours(const Ingress& ingress) const {
  const std::string* name = class_of(ingress);
  return name == nullptr ? classless_ : ours_.contains(*name);
}

bool ClassSelection::ingress_nginx_paths(const Ingress& ingress) const {
  const std::string* name = class_of(ingress);
  return all_compatible_ || (name != nullptr && compatible_.contains(*name));
}

}  // namespace gateway::kubernetes
