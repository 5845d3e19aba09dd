#include "gateway/kubernetes/host_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <set>

namespace gateway::kubernetes {
namespace {

std::pair<config::PathMatch, std::string_view> claim_key(const PathPattern& pattern) {
  return {pattern.kind, pattern.path};
}

// What no path of a host matches.
const PathPattern& everything() {
  static const PathPattern all{config::PathMatch::prefix, "/", "/", std::nullopt};
  return all;
}

std::string shown(const std::string& host) { return host.empty() ? "every host" : host; }

class Merge {
 public:
  Merge(const ClassSelection& classes, Notices& notices) : classes_(classes), notices_(notices) {}

  void claim(const PreparedIngress& ingress) {
    const Ingress& object = *ingress.object;
    for (std::size_t i = 0; i < object.rules.size(); ++i) {
      const auto& paths = object.rules[i].paths;
      HostPlan& host = hosts_[ingress.hosts[i]];
      if (host.first == nullptr) host.first = &ingress;
      host.compatible = host.compatible || classes_.ingress_nginx_paths(object);
      for (std::size_t j = 0; j < paths.size(); ++j)
        if (!ingress.patterns[i][j].path.empty())
          claim(ingress, ingress.hosts[i], host, ingress.patterns[i][j], paths[j].backend);
      if (!ingress.plan().app_root.empty() && host.app_root == nullptr) host.app_root = &ingress;
      if (ingress.plan().www_redirect && host.www_redirect == nullptr) host.www_redirect = &ingress;
    }
  }

  // What no path of its host matches, when all have claimed theirs.
  void claim_default(const PreparedIngress& ingress) {
    const Ingress& object = *ingress.object;
    if (!object.default_backend || ingress.plan().canary) return;
    if (object.rules.empty()) claim(ingress, "", hosts_[""], everything(), *object.default_backend);
    for (const std::string& name : ingress.hosts) {
      HostPlan& host = hosts_[name];
      if (!claimed(host, everything()))
        claim(ingress, name, host, everything(), *object.default_backend);
    }
  }

  void attach_canary(const PreparedIngress& ingress) {
    const Ingress& object = *ingress.object;
    for (std::size_t i = 0; i < object.rules.size(); ++i)
      for (std::size_t j = 0; j < object.rules[i].paths.size(); ++j)
        attach(ingress, ingress.hosts[i], ingress.patterns[i][j], object.rules[i].paths[j].backend);
  }

  void add_aliases(const PreparedIngress& ingress) {
    for (const std::string& alias : ingress.plan().aliases) {
      for (const std::string& host : ingress.hosts) {
        if (host == alias) continue;
        const auto [known, fresh] = aliases_.emplace(alias, host);
        const bool free = !hosts_.contains(alias) && (fresh || known->second == host);
        if (free && fresh) hosts_[host].aliases.push_back(alias);
        if (!free)
          notices_.add(
              ingress.meta(), Severity::warning, kConflict,
              fmt::format("server-alias: {} is a host of its own, or another's alias", alias));
      }
    }
  }

  // A name that somebody serves is not redirected elsewhere.
  void settle_www_redirects() {
    std::set<std::string> redirected;
    for (auto& [name, host] : hosts_) {
      if (host.www_redirect == nullptr) continue;
      const std::string twin = www_twin(name);
      const bool free = !hosts_.contains(twin) && !aliases_.contains(twin);
      if (!name.empty() && !name.starts_with('*') && free && redirected.insert(twin).second)
        continue;
      const PreparedIngress& asker = *std::exchange(host.www_redirect, nullptr);
      notices_.add(asker.meta(), Severity::warning, kConflict,
                   fmt::format("from-to-www-redirect: {} is not redirected to {}",
                               name.empty() || free ? "the name beside it" : twin, shown(name)));
    }
  }

  HostPlans take() { return std::move(hosts_); }

 private:
  void claim(const PreparedIngress& ingress, const std::string& host_name, HostPlan& host,
             const PathPattern& pattern, const Backend& backend) {
    if (host.first == nullptr) host.first = &ingress;
    if (const auto known = claimed(host, pattern)) {
      const PreparedIngress& first = *host.locations[*known].owner;
      const std::string which =
          &first == &ingress
              ? "an earlier rule of this Ingress"
              : fmt::format("the older Ingress {}", first.meta().object_name().to_string());
      return notices_.add(
          ingress.meta(), Severity::warning, kConflict,
          fmt::format("path {} of {} belongs to {}", pattern.written, shown(host_name), which),
          true);
    }
    host.has_pattern = host.has_pattern || pattern.kind == config::PathMatch::regex;
    host.locations.push_back({&pattern, &ingress, &backend});
    if (host.locations.size() <= kFew) return;
    for (std::size_t i = host.claimed.size(); i < host.locations.size(); ++i)
      host.claimed.emplace(claim_key(*host.locations[i].pattern), i);
  }

  // Most hosts have few paths, which need no index.
  static std::optional<std::size_t> claimed(const HostPlan& host, const PathPattern& pattern) {
    if (host.locations.size() > kFew) {
      const auto known = host.claimed.find(claim_key(pattern));
      return known == host.claimed.end() ? std::nullopt : std::optional(known->second);
    }
    for (std::size_t i = 0; i < host.locations.size(); ++i)
      if (claim_key(*host.locations[i].pattern) == claim_key(pattern)) return i;
    return std::nullopt;
  }

  void attach(const PreparedIngress& ingress, const std::string& host_name,
              const PathPattern& pattern, const Backend& backend) {
    const auto host = hosts_.find(host_name);
    const auto orphan = [&] {
      notices_.add(ingress.meta(), Severity::warning, kConflict,
                   fmt::format("there is no Ingress for path {} of {} whose canary this could be",
                               pattern.written, shown(host_name)));
    };
    if (host == hosts_.end()) return orphan();
    const auto known = claimed(host->second, pattern);
    if (!known) return orphan();
    Location& location = host->second.locations[*known];
    if (location.canary != nullptr)
      return notices_.add(
          ingress.meta(), Severity::warning, kConflict,
          fmt::format("path {} of {} has a canary already: {}", pattern.written, shown(host_name),
                      location.canary->meta().object_name().to_string()),
          true);
    location.canary = &ingress;
    location.canary_backend = &backend;
  }

  static constexpr std::size_t kFew = 16;

  const ClassSelection& classes_;
  Notices& notices_;
  HostPlans hosts_;
  std::map<std::string, std::string> aliases_;
};

// As ingress-nginx does: one pattern, and every path of the host is one.
void make_compatible(HostPlan& host) {
  if (!host.compatible || !host.has_pattern) return;
  for (Location& location : host.locations) {
    if (location.pattern->kind == config::PathMatch::regex) continue;
    auto made = std::make_unique<PathPattern>(pattern_of_text(*location.pattern));
    location.pattern = made.get();
    host.made_patterns.push_back(std::move(made));
  }
}

// What was an exact path and a prefix may have become the same pattern.
void drop_twins(const std::string& name, HostPlan& host, Notices& notices) {
  std::set<std::string_view> patterns;
  std::erase_if(host.locations, [&](const Location& location) {
    if (location.pattern->kind != config::PathMatch::regex) return false;
    if (patterns.insert(location.pattern->path).second) return false;
    notices.add(location.owner->meta(), Severity::warning, kConflict,
                fmt::format("path {} of {} says the same as another, since all paths of this host "
                            "are patterns",
                            location.pattern->written, shown(name)),
                true);
    return true;
  });
}

// Patterns meet in the order of the model: the longer first, as with nginx.
bool goes_first(const Location& a, const Location& b) {
  return a.pattern->written.size() > b.pattern->written.size();
}

}  // namespace

void Notices::add(const ObjectMeta& ingress, Severity severity, std::string_view reason,
                  std::string message, bool refusal) {
  add(Notice{"Ingress", ingress.object_name(), ingress.uid, severity, reason, std::move(message),
             refusal});
}

void Notices::add(Notice notice) {
  std::string& message = notice.message;
  if (message.size() > kLongestMessage) {
    // Never in the middle of a character.
    std::size_t end = kLongestMessage - 3;
    while (end > 0 && (static_cast<unsigned char>(message[end]) & 0xc0) == 0x80) --end;
    message.resize(end);
    message += "...";
  }
  notices_.push_back(std::move(notice));
}

std::vector<Notice> Notices::take() {
  std::sort(notices_.begin(), notices_.end());
  notices_.erase(std::unique(notices_.begin(), notices_.end()), notices_.end());
  return std::move(notices_);
}

std::string www_twin(const std::string& host) {
  return host.starts_with("www.") ? host.substr(4) : "www." + host;
}

HostPlans merge_hosts(const std::vector<PreparedPtr>& ingresses, const ClassSelection& classes,
                      Notices& notices) {
  Merge merge(classes, notices);
  // A refused canary leaves its main Ingress alone.
  const auto is_canary = [](const PreparedIngress& each) { return each.plan().canary.has_value(); };
  for (const PreparedPtr& each : ingresses)
    if (!is_canary(*each)) merge.claim(*each);
  for (const PreparedPtr& each : ingresses)
    if (!is_canary(*each)) merge.claim_default(*each);
  for (const PreparedPtr& each : ingresses)
    if (is_canary(*each) && !each->refused) merge.attach_canary(*each);
  for (const PreparedPtr& each : ingresses)
    if (!is_canary(*each)) merge.add_aliases(*each);
  merge.settle_www_redirects();
  HostPlans hosts = merge.take();
  for (auto& [name, host] : hosts) {
    make_compatible(host);
    if (host.locations.size() > 1)
      std::stable_sort(host.locations.begin(), host.locations.end(), goes_first);
    if (!host.made_patterns.empty()) drop_twins(name, host, notices);
    host.claimed.clear();  // its indices are no more
  }
  return hosts;
}

}  // namespace gateway::kubernetes
