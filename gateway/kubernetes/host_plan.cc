#include "gateway/kubernetes/host_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <tuple>

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

class Merge {
 public:
  Merge(const std::string& host, const ClassSelection& classes, Notices& notices)
      : name_(host), classes_(classes), notices_(notices) {}

  void claim(const PreparedIngress& ingress) {
    const Ingress& object = *ingress.object;
    for (std::size_t i = 0; i < object.rules.size(); ++i) {
      if (ingress.hosts[i] != name_) continue;
      const auto& paths = object.rules[i].paths;
      HostPlan& host = begin(ingress);
      host.compatible = host.compatible || classes_.ingress_nginx_paths(object);
      for (std::size_t j = 0; j < paths.size(); ++j)
        if (!ingress.patterns[i][j].path.empty())
          claim(ingress, ingress.patterns[i][j], paths[j].backend);
      if (!ingress.plan().app_root.empty() && host.app_root == nullptr) host.app_root = &ingress;
      if (ingress.plan().www_redirect && host.wants_www_redirect == nullptr)
        host.wants_www_redirect = &ingress;
    }
  }

  // What no path matches, when all have claimed theirs.
  void claim_default(const PreparedIngress& ingress) {
    const Ingress& object = *ingress.object;
    if (!object.default_backend) return;
    if (object.rules.empty() || !claimed(everything())) {
      begin(ingress);
      claim(ingress, everything(), *object.default_backend);
    }
  }

  void attach_canary(const PreparedIngress& ingress) {
    const Ingress& object = *ingress.object;
    for (std::size_t i = 0; i < object.rules.size(); ++i) {
      if (ingress.hosts[i] != name_) continue;
      for (std::size_t j = 0; j < object.rules[i].paths.size(); ++j)
        attach(ingress, ingress.patterns[i][j], object.rules[i].paths[j].backend);
    }
  }

  std::optional<HostPlan> take() { return std::move(host_); }

 private:
  HostPlan& begin(const PreparedIngress& ingress) {
    if (!host_) host_.emplace();
    if (host_->first == nullptr) host_->first = &ingress;
    return *host_;
  }

  void claim(const PreparedIngress& ingress, const PathPattern& pattern, const Backend& backend) {
    if (const auto known = claimed(pattern)) {
      const PreparedIngress& first = *host_->locations[*known].owner;
      const std::string which =
          &first == &ingress
              ? "an earlier rule of this Ingress"
              : fmt::format("the older Ingress {}", first.meta().object_name().to_string());
      return notices_.add(
          ingress.meta(), Severity::warning, kConflict,
          fmt::format("path {} of {} belongs to {}", pattern.written, shown(name_), which), true);
    }
    auto& locations = host_->locations;
    host_->has_pattern = host_->has_pattern || pattern.kind == config::PathMatch::regex;
    locations.push_back({&pattern, &ingress, &backend});
    if (locations.size() <= kFew) return;
    for (std::size_t i = index_.size(); i < locations.size(); ++i)
      index_.emplace(claim_key(*locations[i].pattern), i);
  }

  // Most hosts have few paths, which need no index.
  std::optional<std::size_t> claimed(const PathPattern& pattern) const {
    if (!host_) return std::nullopt;
    const auto& locations = host_->locations;
    if (locations.size() > kFew) {
      const auto known = index_.find(claim_key(pattern));
      return known == index_.end() ? std::nullopt : std::optional(known->second);
    }
    for (std::size_t i = 0; i < locations.size(); ++i)
      if (claim_key(*locations[i].pattern) == claim_key(pattern)) return i;
    return std::nullopt;
  }

  void attach(const PreparedIngress& ingress, const PathPattern& pattern, const Backend& backend) {
    const auto known = claimed(pattern);
    if (!known)
      return notices_.add(
          ingress.meta(), Severity::warning, kConflict,
          fmt::format("there is no Ingress for path {} of {} whose canary this could be",
                      pattern.written, shown(name_)));
    Location& location = host_->locations[*known];
    if (location.canary != nullptr)
      return notices_.add(
          ingress.meta(), Severity::warning, kConflict,
          fmt::format("path {} of {} has a canary already: {}", pattern.written, shown(name_),
                      location.canary->meta().object_name().to_string()),
          true);
    location.canary = &ingress;
    location.canary_backend = &backend;
  }

  static constexpr std::size_t kFew = 16;

  const std::string& name_;
  const ClassSelection& classes_;
  Notices& notices_;
  std::optional<HostPlan> host_;
  /// Index in `locations` by kind and path where they are many.
  std::map<std::pair<config::PathMatch, std::string_view>, std::size_t> index_;
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

std::string shown(const std::string& host) { return host.empty() ? "every host" : host; }

std::string www_twin(const std::string& host) {
  return host.starts_with("www.") ? host.substr(4) : "www." + host;
}

bool older(const PreparedIngress& a, const PreparedIngress& b) {
  const ObjectMeta& x = a.meta();
  const ObjectMeta& y = b.meta();
  return std::tie(x.created, x.namespace_, x.name) < std::tie(y.created, y.namespace_, y.name);
}

bool HostPlan::says_the_same(const HostPlan& other) const {
  return made_patterns.empty() && other.made_patterns.empty() && first == other.first &&
         app_root == other.app_root && wants_www_redirect == other.wants_www_redirect &&
         client_certificate == other.client_certificate && tls == other.tls &&
         locations == other.locations;
}

std::vector<std::string> hosts_named_by(const PreparedIngress& ingress) {
  std::vector<std::string> names;
  if (ingress.object->rules.empty()) names.emplace_back();
  for (const std::string& host : ingress.hosts)
    if (std::find(names.begin(), names.end(), host) == names.end()) names.push_back(host);
  return names;
}

std::optional<HostPlan> merge_host(const std::string& name,
                                   const std::vector<PreparedPtr>& ingresses,
                                   const ClassSelection& classes, Notices& notices) {
  Merge merge(name, classes, notices);
  // A refused canary leaves its main Ingress alone.
  const auto is_canary = [](const PreparedIngress& each) { return each.plan().canary.has_value(); };
  for (const PreparedPtr& each : ingresses)
    if (!is_canary(*each)) merge.claim(*each);
  for (const PreparedPtr& each : ingresses)
    if (!is_canary(*each)) merge.claim_default(*each);
  for (const PreparedPtr& each : ingresses)
    if (is_canary(*each) && !each->refused) merge.attach_canary(*each);
  std::optional<HostPlan> host = merge.take();
  if (!host) return host;
  make_compatible(*host);
  if (host->locations.size() > 1)
    std::stable_sort(host->locations.begin(), host->locations.end(), goes_first);
  if (!host->made_patterns.empty()) drop_twins(name, *host, notices);
  return host;
}

}  // namespace gateway::kubernetes
