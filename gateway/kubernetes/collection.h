#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace gateway::kubernetes {

/// What a watch is about: all objects of a kind, in all namespaces or one, or a selection of them.
struct Collection {
  std::string path;                 ///< "/apis/networking.k8s.io/v1/namespaces/prod/ingresses"
  std::string field_selector = {};  ///< "type=kubernetes.io/tls"; not percent-encoded
  std::string label_selector = {};
};

/// Every byte but the unreserved ones of RFC 3986 as %XX: for values of a query.
std::string percent_encode(std::string_view text);

/// A list as a stream: all objects as events, a bookmark that says so, then the changes.
std::string streaming_list_path(const Collection& collection, std::uint32_t timeout_seconds);
/// The changes since `version`.
std::string changes_path(const Collection& collection, std::string_view version,
                         std::uint32_t timeout_seconds);
/// A page of a list; `limit` 0: all. `continue_token` is the page's before, or empty.
std::string page_path(const Collection& collection, std::uint32_t limit,
                      std::string_view continue_token);

}  // namespace gateway::kubernetes
