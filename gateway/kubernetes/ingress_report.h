#pragma once

#include <string>

#include "gateway/kubernetes/store.h"
#include "gateway/kubernetes/translation.h"

namespace gateway::kubernetes {

/// What would change for whoever moves to this gateway: each Ingress whose meaning would not be
/// what it is under ingress-nginx, with the annotations that are refused, differ, have no effect or
/// are not known, and what the translation of the whole says of it. Ends with a count. From the
/// annotation table and the translator alone.
std::string ingress_report(const Store& store, const TranslatorSettings& settings);

}  // namespace gateway::kubernetes
