#include "gateway/admin/listing.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "gateway/admin/numbers.h"
#include "gateway/metrics/redact.h"

namespace gateway::admin {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kMask = "***";

// Where texts of others' choosing stand: header fields to set, add or match, parameters to match.
// Their names say too little about which of them is a secret, and the environment is expanded
// there.
constexpr std::string_view kFreeTexts[] = {"set", "add", "headers", "query"};

Json to_json(const config::Value& value);

// {Name: value, …} and [{name: Name, value: …}, …] alike: the names alone.
Json names_to_json(const config::Value& value) {
  if (value.holds<config::Value::List>()) {
    Json list = Json::array();
    for (const config::Value& each : value.as<config::Value::List>())
      list.push_back(names_to_json(each));
    return list;
  }
  if (!value.holds<config::Value::Map>()) return kMask;
  Json json = Json::object();
  for (const auto& [key, member] : value.as<config::Value::Map>())
    json[key] = key == "name" || key == "present" ? to_json(member) : Json(kMask);
  return json;
}

Json member_to_json(const std::string& name, const config::Value& value) {
  const bool list = value.holds<config::Value::List>();
  const bool free =
      std::find(std::begin(kFreeTexts), std::end(kFreeTexts), name) != std::end(kFreeTexts);
  // Hashes of passwords.
  if (name == "users" && value.holds<std::string>()) return kMask;
  if (free && (list || value.holds<config::Value::Map>())) return names_to_json(value);
  return (list || value.holds<std::string>()) && is_secret_parameter(name) ? Json(kMask)
                                                                           : to_json(value);
}

Json map_to_json(const config::Value::Map& map) {
  Json json = Json::object();
  for (const auto& [key, member] : map) json[key] = member_to_json(key, member);
  return json;
}

Json to_json(const config::Value& value) {
  return std::visit(
      [](const auto& held) -> Json {
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
      },
      value.storage());
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
  return json;
}

}  // namespace

std::string config_json(AdminSource& source) { return dump(to_json(source.configuration())); }

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
