#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/result.h"
#include "gateway/metrics/histogram.h"
#include "gateway/metrics/rate_ring.h"

/// What replicas tell one another, and how it is written down.
///
/// A replica asks `POST /cluster/rings` with where it stands and gets what happened since. Seconds
/// on the wire are ages or the answering replica's own count, so clocks need not agree and a
/// process that began anew is told by its id:
///
///   {"replica": "5d0c…", "since": 8123, "latency": ["jobs"]}
///
///   {"replica": "5d0c…", "second": 8125, "known": 60,
///    "routes": {"jobs": {"f": 3, "a": [0, 118, 1, 121], "l": [0, 4, 17, …]}}}
///
/// `a` are arrivals as pairs of age and count, age 0 being the last complete second; `f` is in
/// flight now; `l` the latency histogram's counts since the process began. A route of which nothing
/// is said has had nothing since and has nothing in flight. Endpoints stand among the routes, as
/// endpoint_series() names them, and are told alike but for latencies; so do the calls of
/// upstreams. JSON, because it can be read with curl when numbers are in doubt; a thousand busy
/// routes are some 40 KB a second.
namespace gateway::custom_metrics {

using LatencyCounts = std::array<std::uint64_t, Histogram::kBuckets>;

/// Arrivals in one complete second.
struct Arrivals {
  std::uint32_t age = 0;  ///< 0: the last complete second
  std::uint32_t count = 0;
  bool operator==(const Arrivals&) const = default;
};

struct RouteReport {
  std::string name;
  std::int64_t in_flight = 0;
  std::vector<Arrivals> arrivals;
  std::optional<LatencyCounts> latency;
  bool operator==(const RouteReport&) const = default;
};

struct RingsReport {
  std::string replica;       ///< unique for the process
  std::uint32_t second = 0;  ///< its running second: the cursor of the next question
  int known_seconds = 0;     ///< how far back it knows anything
  std::vector<RouteReport> routes;
  bool operator==(const RingsReport&) const = default;
};

/// What the asking side has already.
struct RingsQuery {
  std::string replica;               ///< whom it heard last; empty: nobody
  std::uint32_t since = 0;           ///< that replica's second then
  std::vector<std::string> latency;  ///< routes whose histograms are wanted
};

/// Bounds on what one message may name, against a peer gone mad.
inline constexpr std::size_t kMostRoutes = 50'000;  ///< endpoints among them
inline constexpr std::size_t kMostLatencyRoutes = 1'000;
inline constexpr std::size_t kMostReportBytes = 32u << 20;

/// An endpoint as a series beside the routes; `label` is its address and port. No route can be
/// called that: names of routes begin with a letter or digit. Without a label: what was counted of
/// more endpoints than are told apart (see SeriesSet).
inline constexpr char kEndpointMark = '@';
std::string endpoint_series(std::string_view label);
inline bool is_endpoint_series(std::string_view name) { return name.starts_with(kEndpointMark); }
/// Likewise, of an upstream: calls that ended, and of those the failed ones (see UpstreamCalls).
std::string calls_series(std::string_view upstream);
std::string failures_series(std::string_view upstream);

std::string encode(const RingsReport& report);
std::string encode(const RingsQuery& query);
/// `bad_request` for anything that is not well-formed; nothing in the text can do more harm.
Result<RingsReport> decode_report(std::string_view text);
Result<RingsQuery> decode_query(std::string_view text);

}  // namespace gateway::custom_metrics
