#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/kubernetes/host_plan.h"
#include "gateway/kubernetes/translation.h"
#include "gateway/kubernetes/upstream_book.h"

namespace gateway::kubernetes {

/// The routes of one host, with all that they were written from.
struct WrittenHost {
  /// A question to the book of upstreams, and its answer.
  struct Question {
    ServiceRef service;
    const UpstreamSettings* settings;  ///< of an Ingress of `owners`
    bool private_;
    tl::expected<std::string, BackendProblem> answer;
  };

  // The host's plan, but for what serves to make it.
  const PreparedIngress* first = nullptr;
  std::vector<Location> locations;
  std::vector<std::string> aliases;
  const PreparedIngress* app_root = nullptr;
  const PreparedIngress* www_redirect = nullptr;
  bool tls = false;
  std::vector<PreparedPtr> owners;  ///< held, so that no other Ingress comes to their addresses

  std::vector<Question> questions;
  /// Names of routes as they were wanted, and as they were free.
  std::vector<std::pair<std::string, std::string>> names;

  config::SharedList<config::Route> routes;
  std::vector<RouteOrigin> origins;  ///< parallel to `routes`
  std::vector<Notice> notices;

  bool is_of(const HostPlan& plan) const;
};

/// What was written for hosts at the last translation, so that a change writes anew what it touches
/// and no more. Hosts are asked for in the order of their names, each once, and then drop_unused().
class RouteCache {
 public:
  RouteCache() = default;
  RouteCache(const RouteCache&) = delete;
  RouteCache& operator=(const RouteCache&) = delete;

  /// Null when nothing is known that was written from an equal plan.
  const WrittenHost* find(const std::string& host, const HostPlan& plan);
  /// Where to write it down, after find(); null for a plan whose parts do not outlive it.
  WrittenHost* begin(const std::string& host, const HostPlan& plan);
  /// Forgets the hosts that were neither found nor begun since the last call.
  void drop_unused();

 private:
  struct Entry {
    WrittenHost written;
    bool used = false;
  };
  using Hosts = std::map<std::string, Entry>;
  /// Passes over the next one, or forgets it.
  void pass();

  Hosts hosts_;
  Hosts::iterator next_ = hosts_.begin();
};

}  // namespace gateway::kubernetes
