#pragma once

#include <string>
#include <utility>
#include <vector>

#include "gateway/config/model.h"

namespace gateway::routing::test {

using Hosts = std::vector<std::string>;

inline config::Match prefix(std::string path) {
  return {.path_kind = config::PathMatch::prefix, .path = std::move(path)};
}
inline config::Match exact(std::string path) {
  return {.path_kind = config::PathMatch::exact, .path = std::move(path)};
}
inline config::Match regex(std::string path) {
  return {.path_kind = config::PathMatch::regex, .path = std::move(path)};
}
inline config::Match by_method(config::Match match, std::vector<std::string> methods) {
  match.methods = std::move(methods);
  return match;
}
inline config::Match by_header(config::Match match, std::string name, std::string value) {
  match.headers.push_back({std::move(name), std::move(value)});
  return match;
}
inline config::Match by_query(config::Match match, std::string name, std::string value) {
  match.query.push_back({std::move(name), std::move(value)});
  return match;
}

inline config::Route route(std::string name, Hosts hosts, std::vector<config::Match> matches) {
  config::Route route;
  route.name = std::move(name);
  route.hosts = std::move(hosts);
  route.matches = std::move(matches);
  route.forward = {{"app", 1}};
  return route;
}

}  // namespace gateway::routing::test
