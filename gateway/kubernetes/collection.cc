#include "gateway/kubernetes/collection.h"

#include <fmt/format.h>

namespace gateway::kubernetes {
namespace {

bool is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

std::string with_selectors(const Collection& collection, std::string_view query) {
  std::string text = collection.path + "?";
  text.append(query);
  if (!collection.field_selector.empty())
    text.append("&fieldSelector=").append(percent_encode(collection.field_selector));
  if (!collection.label_selector.empty())
    text.append("&labelSelector=").append(percent_encode(collection.label_selector));
  return text;
}

}  // namespace

std::string percent_encode(std::string_view text) {
  std::string encoded;
  for (const char c : text) {
    if (is_unreserved(c))
      encoded.push_back(c);
    else
      encoded.append(fmt::format("%{:02X}", static_cast<unsigned char>(c)));
  }
  return encoded;
}

std::string streaming_list_path(const Collection& collection, std::uint32_t timeout_seconds) {
  return with_selectors(
      collection, fmt::format("watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan"
                              "&allowWatchBookmarks=true&timeoutSeconds={}",
                              timeout_seconds));
}

std::string changes_path(const Collection& collection, std::string_view version,
                         std::uint32_t timeout_seconds) {
  return with_selectors(
      collection,
      fmt::format("watch=true&resourceVersion={}&allowWatchBookmarks=true&timeoutSeconds={}",
                  percent_encode(version), timeout_seconds));
}

std::string page_path(const Collection& collection, std::uint32_t limit,
                      std::string_view continue_token) {
  std::string query = fmt::format("limit={}", limit);
  if (!continue_token.empty()) query.append("&continue=").append(percent_encode(continue_token));
  return with_selectors(collection, query);
}

}  // namespace gateway::kubernetes
