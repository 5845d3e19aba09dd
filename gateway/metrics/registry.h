#pragma once

#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "gateway/base/clock.h"
#include "gateway/metrics/cells.h"
#include "gateway/metrics/facts.h"
#include "gateway/metrics/recent_errors.h"
#include "gateway/metrics/series.h"

namespace gateway {

class Registry;

/// One worker's cells. The look-ups below lock briefly and are for binding a snapshot or an
/// endpoint set, from any thread; the cells they return are written by the shard's worker alone.
/// Equal name, equal cells: a kept route's numbers survive reloads. Keep the pointer as long as the
/// cells are used (a bound route, an endpoint); five minutes after the last one went, the series
/// goes too. Past the bound on names, all new ones share the cells of "_other". Never null.
class MetricsShard {
 public:
  MetricsShard(Registry& registry, std::size_t index) : registry_(registry), index_(index) {}

  std::shared_ptr<RouteCells> route(std::string_view name);
  std::shared_ptr<UpstreamCells> upstream(std::string_view name);
  /// `endpoint` as "address:port".
  std::shared_ptr<EndpointCells> endpoint(std::string_view upstream, std::string_view endpoint);
  std::shared_ptr<ListenerCells> listener(std::string_view name);
  /// `name` of a token policy: the upstream that it asks.
  std::shared_ptr<TokenCells> token(std::string_view name);

  ProcessCells& process() { return process_; }
  const ProcessCells& process() const { return process_; }
  RecentErrors& recent_errors() { return recent_errors_; }
  const RecentErrors& recent_errors() const { return recent_errors_; }

 private:
  Registry& registry_;
  std::size_t index_;
  ProcessCells process_;
  RecentErrors recent_errors_;
};

/// Every series of the process. Made before the workers, outlives them. Reading sums over the
/// shards and never delays a worker: it locks only to copy a list of pointers.
class Registry {
 public:
  struct Limits {
    std::size_t routes = 20'000;
    std::size_t upstreams = 5'000;
    std::size_t endpoints = 20'000;
    std::size_t listeners = 256;
    std::size_t tokens = 1'000;
  };

  /// One shard per worker, and one more for the control thread.
  Registry(std::size_t workers, const Clock& clock) : Registry(workers, clock, Limits{}) {}
  Registry(std::size_t workers, const Clock& clock, const Limits& limits);
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;

  MetricsShard& worker(std::size_t index) { return *shards_[index]; }
  MetricsShard& control() { return *shards_.back(); }

  /// Written by the access log's own thread alone.
  ProcessCells& log_writer() { return log_writer_; }

  /// Control thread: called before every reading, to set gauges of the control shard that mirror
  /// process-wide state (health of endpoints), and `facts`.
  void before_read(std::function<void()> hook) { before_read_ = std::move(hook); }

  /// Control thread: the routes that are configured now. Workers bind a route when it is first
  /// asked for; these show a rate of zero before.
  void hold_routes(const std::vector<std::string_view>& names);
  /// Likewise the upstreams, which workers make when they first speak to them.
  void hold_upstreams(const std::vector<std::string_view>& names);

  /// Control thread: runs the hook and forgets series that nobody has held for five minutes.
  void refresh();

  // What readers walk (control thread).
  SeriesSet<RouteCells> routes;
  SeriesSet<UpstreamCells> upstreams;
  SeriesSet<EndpointCells> endpoints;
  SeriesSet<ListenerCells> listeners;
  SeriesSet<TokenCells> tokens;
  Facts facts;
  /// Adds up the process cells of all shards.
  void read_process(ProcessCells& total) const;
  /// The latest of all shards, newest first.
  std::vector<RecentError> recent_errors(std::size_t most) const;

  Instant now() const { return clock_.now(); }
  Instant started() const { return started_; }
  /// Complete seconds since the process began, at most 60: what request_rate() may rely on.
  int known_seconds() const;

 private:
  using Held = std::vector<std::shared_ptr<const void>>;
  template <typename Cells>
  static void hold(SeriesSet<Cells>& set, const std::vector<std::string_view>& names, Held& held);

  const Clock& clock_;
  Instant started_;
  std::vector<std::unique_ptr<MetricsShard>> shards_;
  ProcessCells log_writer_;
  std::function<void()> before_read_;
  Held held_routes_;
  Held held_upstreams_;
};

}  // namespace gateway
