#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/custom_metrics/endpoint_arrivals.h"
#include "gateway/custom_metrics/rings_report.h"
#include "gateway/custom_metrics/upstream_calls.h"
#include "gateway/metrics/registry.h"

namespace gateway::custom_metrics {

/// What this replica tells: its own rings, endpoints and upstreams, read from the registry at most
/// once a second however many peers ask. Control thread. Known are the last sixty complete seconds;
/// the running one is not told, because nobody could tell it from a complete one.
class ReplicaRings {
 public:
  using Names = std::shared_ptr<const std::vector<std::string>>;

  /// `registry` outlives it. `id` tells this process from the one before it: see random_id().
  ReplicaRings(const Registry& registry, std::string id);

  /// What happened since the asker last heard; everything when it heard somebody else or too long
  /// ago.
  RingsReport report(const RingsQuery& query);
  /// All routes that there are, idle ones included, sorted. The same object while nothing changed.
  Names names();
  /// The same of upstreams.
  Names upstreams();

  const std::string& id() const { return id_; }
  static std::string random_id();

 private:
  struct Sampled {
    std::string name;
    std::int64_t in_flight = 0;
    std::vector<Arrivals> arrivals;  ///< newest first, zeros left out
  };
  void refresh();
  void add_latency(const RingsQuery& query, RingsReport& report) const;

  const Registry& registry_;
  const std::string id_;
  std::uint32_t second_ = 0;  ///< of the sample
  bool sampled_ = false;
  std::vector<Sampled> routes_;  ///< busy ones, by name
  EndpointArrivals endpoints_;
  UpstreamCalls calls_;
  Names names_ = std::make_shared<const std::vector<std::string>>();
  Names upstreams_ = std::make_shared<const std::vector<std::string>>();
};

}  // namespace gateway::custom_metrics
