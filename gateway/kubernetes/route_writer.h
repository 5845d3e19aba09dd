#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "gateway/kubernetes/host_book.h"
#include "gateway/kubernetes/translation.h"
#include "gateway/kubernetes/upstream_book.h"

namespace gateway::kubernetes {

/// Writes the routes of hosts into a translation. A host is written anew when its plan is another,
/// or the book of upstreams answers one of the questions otherwise that were asked for it.
class RouteWriter {
 public:
  /// `defaults`: what write_default() wrote last.
  RouteWriter(const TranslatorSettings& settings, UpstreamBook& book,
              std::vector<std::shared_ptr<const config::Route>>& defaults, Notices& notices,
              Translation& translation);

  /// Of a host with a plan; hosts come in the order of their names.
  void write(const std::string& name, Host& host);
  /// What answers where no Ingress has a path.
  void write_default(const Hosts& hosts);

 private:
  /// One location while its routes are written.
  struct Draft;

  void write_anew(const std::string& host, const HostPlan& plan);
  /// Whether the book would answer the same again.
  bool holds_still(const WrittenHost& written);
  void write_location(const std::string& host, const HostPlan& plan, const Location& location);
  void write_forward(Draft& draft, const Location& location);
  void write_canary(Draft& draft, const Canary& canary, const std::string& main,
                    const std::string& other);
  void write_bare(const std::string& host, const HostPlan& plan);
  void write_app_root(const std::string& host, const HostPlan& plan);
  void write_www_redirect(const std::string& host, const HostPlan& plan);
  void add_canary_match(Draft& draft, std::string_view mark, config::ValueMatch match,
                        const std::string& upstream);
  void emit(Draft& draft, std::string_view mark, config::Route route);
  void finish(const Draft& draft, config::Route route, bool tls);
  void add(config::Route route, RouteOrigin origin);
  void add_default(config::Route route, const ObjectName& service);
  std::string unique(std::string name);
  UpstreamBook::AnswerPtr ask(const ServiceRef& service, const UpstreamSettings& settings,
                              bool private_);
  std::optional<std::string> upstream_for(const PreparedIngress& ingress, const Backend& backend,
                                          const UpstreamSettings& settings);
  /// The filters that every route of an Ingress has; null when one of them asks a Service that
  /// cannot be had, so that the paths must answer 503.
  const std::vector<config::PolicySettings>* filters_of(const PreparedIngress& ingress);
  std::optional<std::vector<config::PolicySettings>> with_upstreams(const PreparedIngress& ingress);

  const TranslatorSettings& settings_;
  UpstreamBook& book_;
  std::vector<std::shared_ptr<const config::Route>>& defaults_;
  Notices& notices_;
  Translation& translation_;
  WrittenHost* record_ = nullptr;  ///< of the host that is being written
  /// Of Ingresses of this host whose filters ask somebody.
  std::unordered_map<const PreparedIngress*, std::optional<std::vector<config::PolicySettings>>>
      filters_;
  std::set<std::string> pattern_names_;  ///< of this host
};

}  // namespace gateway::kubernetes
