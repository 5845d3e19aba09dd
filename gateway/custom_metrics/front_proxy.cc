#include "gateway/custom_metrics/front_proxy.h"

#include <algorithm>

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
         std::ranges::find(settings.allowed_names, tls.client_common_name) !=
             settings.allowed_names.end();
}

/// The values of the first of these names that is there; lines are never joined or split: a group's
/// name may hold a comma.
std::vector<std::string> values_of(const http::HeaderList& headers,
                                   const std::vector<std::string>& names) {
  std::vector<std::string> values;
  for (const std::string& name : names) {
    for (const http::Header& field : headers)
      if (http::equals_ignoring_case(field.name, name)) values.emplace_back(field.value);
    if (!values.empty()) break;
  }
  return values;
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
      const auto key = percent_decoded(field.name.substr(prefix.size()));
      if (key && !key->empty()) caller.extra.emplace_back(lowered(*key), field.value);
      break;
    }
}

}  // namespace

Result<Caller> authenticate(const http::RequestHead& request,
                            const downstream::ConnectionFacts& connection,
                            const FrontProxySettings& settings) {
  if (connection.tls == nullptr || !vouched_for(*connection.tls, settings))
    return nobody("no client certificate of the front proxy was shown");
  const auto users = values_of(request.headers, settings.user_headers);
  if (users.size() != 1 || users.front().empty()) return nobody("the front proxy names no user");
  Caller caller;
  caller.user = users.front();
  caller.groups = values_of(request.headers, settings.group_headers);
  const auto uids = values_of(request.headers, settings.uid_headers);
  if (!uids.empty()) caller.uid = uids.front();
  add_extra(request.headers, settings.extra_prefixes, caller);
  return caller;
}

}  // namespace gateway::custom_metrics
