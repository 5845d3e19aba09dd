#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "gateway/base/clock.h"
#include "gateway/custom_metrics/latency_window.h"
#include "gateway/custom_metrics/rings_report.h"

namespace gateway::custom_metrics {

/// What one process has told of its last minute, put together from its reports. Seconds are its
/// own; ages count from its last report, so a replica that falls silent goes on showing its last
/// minute.
class Replica {
 public:
  /// Takes the news of a report. Another process's id begins everything anew. Fails, changing
  /// nothing, when its seconds ran backwards.
  Result<void> apply(const RingsReport& report, Instant now);
  /// What to ask it next.
  RingsQuery question(std::vector<std::string> latency) const;

  const std::string& id() const { return id_; }  ///< empty: it has told nothing yet
  Instant heard() const { return heard_; }
  Instant heard_before() const { return heard_before_; }  ///< the report before; epoch: none
  int known_seconds() const { return known_seconds_; }

  bool knows(std::string_view route) const { return routes_.contains(route); }
  /// Adds a route's arrivals as if they were `older` seconds older.
  void add_arrivals(std::string_view route, std::uint32_t older, RateHistory& sum) const;
  std::int64_t in_flight(std::string_view route) const;
  /// Null when it was not asked, or has no such route.
  const LatencyWindow* latency(std::string_view route) const;
  /// Adds the names of all routes with anything in them.
  template <typename Visit>
  void for_each_route(Visit visit) const {
    for (const auto& [name, route] : routes_) visit(std::string_view(name));
  }

 private:
  struct Bucket {
    std::uint32_t second;
    std::uint32_t count;
  };
  struct Route {
    std::vector<Bucket> buckets;  ///< oldest first, none older than a minute
    std::int64_t in_flight = 0;
    LatencyWindow latency;
    bool has_latency = false;
  };
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>()(text);
    }
  };
  void take(const RouteReport& report, std::uint32_t second, Instant now);
  void drop_old();

  std::string id_;
  std::uint32_t second_ = 0;
  int known_seconds_ = 0;
  Instant heard_{};
  Instant heard_before_{};
  std::unordered_map<std::string, Route, Hash, std::equal_to<>> routes_;
};

}  // namespace gateway::custom_metrics
