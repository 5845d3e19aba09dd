#include "gateway/custom_metrics/front_proxy.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "gateway/custom_metrics/parameters.h"
#include "gateway/http/fields.h"

namespace gateway::custom_metrics {
namespace {

tl::unexpected<Error> nobody(const char* why) {
  return failure(ErrorCode::unauthenticated, Side::downstream, why);
}

bool vouched_for(const net::TlsFacts& tls, const FrontProxySettings& settings) {
  if (!tls.is_tls || !tls.client_verified) return false;
  return settings.allowed_names.empty() ||
         std::ranges::find(settings.allowed_names, tls.client_certificate->common_name) !=
             settings.allowed_names.end();
}

/// The values of these names, one after another; lines are never joined or split: a group's name
/// may hold a comma.
std::vector<std::string> values_of(const http::HeaderList& headers,
                                   const std::vector<std::string>& names) {
  std::vector<std::string> values;
  for (const std::string& name : names)
    for (const http::Header& field : headers)
      if (http::equals_ignoring_case(field.name, name) && !field.value.empty())
        values.emplace_back(field.value);
  return values;
}

/// Of the first of these names that has any.
std::vector<std::string> first_values_of(const http::HeaderList& headers,
                                         const std::vector<std::string>& names) {
  for (const std::string& name : names)
    if (auto values = values_of(headers, {name}); !values.empty()) return values;
  return {};
}

std::string lowered(std::string text) {
  std::ranges::transform(text, text.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return text;
}

void add_extra(const http::HeaderList& headers, const std::vector<std::string>& prefixes,
               Caller& caller) {
  for (const http::Header& field : headers)
    for (const std::string& prefix : prefixes) {
      if (!http::equals_ignoring_case(field.name.substr(0, prefix.size()), prefix)) continue;
      // As apiserver does it: an escape that is none stays as it is, rather than that a caller is
      // taken for one without that extra.
      const std::string key = lowered(std::string(field.name.substr(prefix.size())));
      if (!key.empty()) caller.extra.emplace_back(percent_decoded(key).value_or(key), field.value);
      break;
    }
}

// An absent key leaves what apiserver itself takes then; an empty text is an empty list.
bool read_list(const std::map<std::string, std::string, std::less<>>& data, std::string_view key,
               std::vector<std::string>& list) {
  const auto found = data.find(key);
  if (found == data.end()) return true;
  list.clear();
  if (found->second.empty()) return true;
  const auto json = nlohmann::json::parse(found->second, nullptr, false);
  if (!json.is_array()) return json.is_null();
  for (const auto& each : json) {
    if (!each.is_string()) return false;
    list.push_back(each.get<std::string>());
  }
  return true;
}

}  // namespace

Result<FrontProxy> read_front_proxy(const std::map<std::string, std::string, std::less<>>& data) {
  FrontProxy proxy;
  const auto bundle = data.find("requestheader-client-ca-file");
  if (bundle == data.end() || bundle->second.empty())
    return failure(ErrorCode::not_found, Side::internal,
                   "the API server has no front proxy: requestheader-client-ca-file is not set");
  proxy.client_ca = bundle->second;
  FrontProxySettings& settings = proxy.settings;
  const auto take = [&data](std::string_view key, std::vector<std::string>& list) {
    return read_list(data, key, list);
  };
  if (!take("requestheader-allowed-names", settings.allowed_names) ||
      !take("requestheader-username-headers", settings.user_headers) ||
      !take("requestheader-group-headers", settings.group_headers) ||
      !take("requestheader-extra-headers-prefix", settings.extra_prefixes) ||
      !take("requestheader-uid-headers", settings.uid_headers))
    return failure(ErrorCode::invalid_argument, Side::internal,
                   "the front proxy's settings are not understood");
  return proxy;
}

Result<Caller> authenticate(const http::RequestHead& request,
                            const downstream::ConnectionFacts& connection,
                            const FrontProxySettings& settings) {
  if (connection.tls == nullptr || !vouched_for(*connection.tls, settings))
    return nobody("no client certificate of the front proxy was shown");
  const auto users = first_values_of(request.headers, settings.user_headers);
  if (users.size() != 1) return nobody("the front proxy names no user");
  Caller caller;
  caller.user = users.front();
  caller.groups = values_of(request.headers, settings.group_headers);
  const auto uids = first_values_of(request.headers, settings.uid_headers);
  if (!uids.empty()) caller.uid = uids.front();
  add_extra(request.headers, settings.extra_prefixes, caller);
  return caller;
}

}  // namespace gateway::custom_metrics
