#include "gateway/kubernetes/table_watch.h"

namespace gateway::kubernetes {

Collection collection_of(std::string_view prefix, std::string_view plural, const Scope& scope) {
  Collection collection;
  collection.path = prefix;
  if (!scope.namespace_.empty())
    collection.path.append("/namespaces/").append(percent_encode(scope.namespace_));
  collection.path.append("/").append(plural);
  if (!scope.name.empty()) collection.field_selector = "metadata.name=" + scope.name;
  return collection;
}

}  // namespace gateway::kubernetes
