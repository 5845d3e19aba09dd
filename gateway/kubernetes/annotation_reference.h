#pragma once

#include <string>

namespace gateway::kubernetes {

/// The page docs/kubernetes/annotations.md, from the table.
std::string annotation_reference();

/// A ValidatingAdmissionPolicy with its binding, in YAML: what the gateway would refuse, refused by
/// the API server before it is stored. It knows the table and no more, so that the gateway has the
/// last word, and it needs nobody who could fail to answer.
std::string admission_policy();

}  // namespace gateway::kubernetes
