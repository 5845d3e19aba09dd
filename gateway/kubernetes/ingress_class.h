#pragma once

#include <set>
#include <string>

#include "gateway/kubernetes/store.h"
#include "gateway/kubernetes/translation.h"

namespace gateway::kubernetes {

/// Which Ingresses are ours, by their class: the class's controller decides, not its name.
class ClassSelection {
 public:
  ClassSelection(const Store& store, const TranslatorSettings& settings);

  bool ours(const Ingress& ingress) const;
  /// Whether the paths of its host are all patterns once one is (`compat: ingress-nginx` in the
  /// ConfigMap that the class names as its parameters).
  bool ingress_nginx_paths(const Ingress& ingress) const;
  /// The ConfigMaps that our classes name as their parameters.
  const std::set<ObjectName>& parameters() const { return parameters_; }
  bool operator==(const ClassSelection&) const = default;

 private:
  static const std::string* class_of(const Ingress& ingress);

  std::set<std::string, std::less<>> ours_;
  std::set<std::string, std::less<>> compatible_;
  std::set<ObjectName> parameters_;
  bool classless_ = false;
  bool all_compatible_ = false;
};

}  // namespace gateway::kubernetes
