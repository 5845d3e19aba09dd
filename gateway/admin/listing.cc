#include "gateway/admin/listing.h"

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "gateway/admin/numbers.h"
#include "gateway/config/masked.h"

namespace gateway::admin {
namespace {

using Json = nlohmann::ordered_json;

Json to_json(const config::Value& value);

Json map_to_json(const config::Value::Map& map) {
  Json json = Json::object();
  for (const auto& [key, member] : map) json[key] = to_json(member);
  return json;
}

Json to_json(const config::Value& value) {
  return value.visit([](const auto& held) -> Json {
    using T = std::decay_t<decltype(held)>;
    if constexpr (std::is_same_v<T, std::monostate>) {
      return nullptr;
    } else if constexpr (std::is_same_v<T, Duration>) {
      return duration_text(held);
    } else if constexpr (std::is_same_v<T, config::Size>) {
      return held.bytes;
    } else if constexpr (std::is_same_v<T, config::Value::List>) {
      Json list = Json::array();
      for (const config::Value& each : held) list.push_back(to_json(each));
      return list;
    } else if constexpr (std::is_same_v<T, config::Value::Map>) {
      return map_to_json(held);
    } else {
      return held;
    }
  });
}

std::string_view word(config::PathMatch kind) {
  switch (kind) {
    case config::PathMatch::exact: return "path";
    case config::PathMatch::regex: return "path_regex";
    default: return "path_prefix";
  }
}

Json match_json(const config::Match& match) {
  Json json = {{std::string(word(match.path_kind)), match.path}};
  if (!match.methods.empty()) json["methods"] = match.methods;
  for (const auto& [key, list] : {std::pair{"headers", &match.headers}, {"query", &match.query}})
    for (const config::ValueMatch& each : *list) json[key].push_back(each.name);
  return json;
}

Json route_json(const config::Route& route) {
  Json json = {{"name", route.name}, {"hosts", route.hosts}, {"listeners", route.listeners}};
  json["matches"] = Json::array();
  for (const config::Match& match : route.matches) json["matches"].push_back(match_json(match));
  json["filters"] = Json::array();
  for (const config::PolicySettings& filter : route.filters) json["filters"].push_back(filter.type);
  for (const config::WeightedUpstream& to : route.forward)
    json["forward"].push_back({{"upstream", to.upstream}, {"weight", to.weight}});
  if (route.redirect) json["redirect"] = route.redirect->status;
  if (route.respond) json["respond"] = route.respond->status;
  if (route.https_only) json["https_only"] = true;
  return json;
}

}  // namespace

std::string config_json(AdminSource& source) {
  const config::Model* model = source.model();
  return dump(model == nullptr ? Json()
                               : to_json(config::extract_masked(*model, source.policies())));
}

std::string routes_json(AdminSource& source) {
  Json list = Json::array();
  const config::Model* model = source.model();
  if (model == nullptr) return dump(list);
  const auto numbers = route_numbers(source.registry());
  for (const config::Route& route : model->routes) {
    Json json = route_json(route);
    const auto found = numbers.find(route.name);
    if (found != numbers.end()) json.update(found->second);
    list.push_back(std::move(json));
  }
  return dump(list);
}

std::string upstreams_json(AdminSource& source) {
  Json list = Json::array();
  const config::Model* model = source.model();
  if (model == nullptr) return dump(list);
  const auto numbers = upstream_numbers(source.registry());
  std::vector<std::string> names;
  for (const config::Upstream& upstream : model->upstreams) names.push_back(upstream.name);
  auto endpoints = endpoint_numbers(source, names);
  for (const config::Upstream& upstream : model->upstreams) {
    Json json = {{"name", upstream.name},
                 {"private", upstream.private_},
                 {"balancer", upstream.balancer.type},
                 {"tls", upstream.tls.has_value()}};
    const auto found = numbers.find(upstream.name);
    if (found != numbers.end()) json.update(found->second);
    json["endpoints"] = std::move(endpoints[upstream.name]);
    list.push_back(std::move(json));
  }
  return dump(list);
}

std::string dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace gateway::admin
