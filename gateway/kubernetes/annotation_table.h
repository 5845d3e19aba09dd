#pragma once

#include <span>
#include <string_view>

#include "gateway/kubernetes/annotation.h"

namespace gateway::kubernetes {

inline constexpr std::string_view kOnOff[] = {"on", "off"};

/// Annotations that belong together, under one heading of the reference.
struct AnnotationFamily {
  std::string_view title;
  std::span<const Annotation> rows;
};

/// Every annotation that is known, in the order of the reference.
std::span<const AnnotationFamily> annotation_families();
/// By key without prefix; null when unknown.
const Annotation* find_annotation(std::string_view key);
/// Whether a key that is not known looks as if it were to protect something: an object that has
/// one is refused, since it would serve with less protection than its owner thinks.
bool looks_protective(std::string_view key);

// One file for each family.
std::span<const Annotation> routing_annotations();
std::span<const Annotation> redirect_annotations();
std::span<const Annotation> canary_annotations();
std::span<const Annotation> access_annotations();
std::span<const Annotation> external_auth_annotations();
std::span<const Annotation> cors_annotations();
std::span<const Annotation> limit_annotations();
std::span<const Annotation> proxy_annotations();
std::span<const Annotation> upstream_annotations();
std::span<const Annotation> refused_annotations();

}  // namespace gateway::kubernetes
