#include "gateway/kubernetes/annotation_table.h"

#include <string>
#include <unordered_map>

namespace gateway::kubernetes {

std::span<const AnnotationFamily> annotation_families() {
  static const AnnotationFamily families[] = {
      {"Paths and hosts", routing_annotations()},
      {"Redirects", redirect_annotations()},
      {"Canaries", canary_annotations()},
      {"Who may ask", access_annotations()},
      {"External authentication", external_auth_annotations()},
      {"CORS", cors_annotations()},
      {"Limits", limit_annotations()},
      {"Proxying", proxy_annotations()},
      {"Upstreams", upstream_annotations()},
      {"Refused", refused_annotations()},
  };
  return families;
}

const Annotation* find_annotation(std::string_view key) {
  static const auto by_key = [] {
    std::unordered_map<std::string_view, const Annotation*> index;
    for (const AnnotationFamily& family : annotation_families())
      for (const Annotation& row : family.rows) index.emplace(row.field.name, &row);
    return index;
  }();
  const auto found = by_key.find(key);
  return found == by_key.end() ? nullptr : found->second;
}

bool looks_protective(std::string_view key) {
  return key.starts_with("auth-") || key.starts_with("token-auth-") || key.starts_with("limit-") ||
         key.ends_with("-source-range");
}

}  // namespace gateway::kubernetes
