#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "gateway/base/error.h"
#include "gateway/metrics/cell.h"
#include "gateway/metrics/histogram.h"
#include "gateway/metrics/rate_ring.h"

/// What the data path counts. Each group belongs to one worker (its only writer) and is handed out
/// by MetricsShard when a snapshot is bound; the path itself only touches the cells. A reader sums
/// the groups of all workers with merge().
namespace gateway {

/// Responses by class: [1] to [5] as in 1xx to 5xx, [0] for exchanges that ended without a status.
struct ResponseClasses {
  std::array<Counter, 6> by_class;

  void add(int status) {
    const unsigned index = static_cast<unsigned>(status) / 100;
    by_class[index < by_class.size() ? index : 0].add();
  }
  std::uint64_t total() const {
    std::uint64_t sum = 0;
    for (const Counter& counter : by_class) sum += counter.value();
    return sum;
  }
  void merge(const ResponseClasses& other) {
    for (std::size_t i = 0; i < by_class.size(); ++i) by_class[i].merge(other.by_class[i]);
  }
};

/// One route, counted by the exchange.
struct alignas(64) RouteCells {
  ResponseClasses responses;
  Gauge in_flight;
  Counter bytes_in;   ///< request bodies
  Counter bytes_out;  ///< response bodies
  Counter retries;    ///< attempts after the first
  Histogram latency;  ///< from the complete request head to the end of the answer
  RateRing arrivals;  ///< requests meant for the upstream: what autoscaling reads

  void begin() { in_flight.add(); }
  /// Once per exchange: when its request filters let it pass, or when it ends 503 or is held. Never
  /// for 401, 403, 413, 429, redirects, fixed answers or retries.
  void arrived(Instant now) { arrivals.add(now); }
  /// Once per begin(); `status` is what the client got, 0 when it got none.
  void finish(int status, Duration took, std::uint64_t received, std::uint64_t sent) {
    in_flight.sub();
    responses.add(status);
    latency.observe(took);
    bytes_in.add(received);
    bytes_out.add(sent);
  }
  void merge(const RouteCells& other);
};

/// One upstream, counted by calls (a call is one request with all its attempts) and by its pools.
struct alignas(64) UpstreamCells {
  ResponseClasses responses;  ///< [0]: calls that ended without an answer
  Gauge in_flight;
  Gauge waiting;  ///< calls that wait for a connection or a request slot
  Counter bytes_sent;
  Counter bytes_received;
  Counter retries;
  Counter retries_refused;  ///< the budget was spent
  Counter overflows;        ///< refused by a bound of the upstream
  Counter no_endpoint;      ///< calls that found nobody to ask
  Gauge connections;        ///< open, idle ones included
  Gauge connections_idle;
  Counter connects;
  Counter connect_failures;  ///< time-outs and failed TLS handshakes included
  Counter reuses;            ///< attempts on a connection that was open already
  Counter tls_handshakes;
  Histogram latency;  ///< of the call

  void begin() { in_flight.add(); }
  void finish(int status, Duration took, std::uint64_t sent, std::uint64_t received) {
    in_flight.sub();
    responses.add(status);
    latency.observe(took);
    bytes_sent.add(sent);
    bytes_received.add(received);
  }
  void merge(const UpstreamCells& other);
};

/// One endpoint of an upstream, counted by attempts.
struct alignas(64) EndpointCells {
  ResponseClasses responses;  ///< [0]: attempts that ended without an answer
  Gauge in_flight;
  Counter ejections;  ///< by passive health
  Counter connect_failures;
  // Process-wide state: the control thread mirrors it into its own shard, see
  // Registry::before_read.
  Gauge healthy;      ///< 1 while it may be picked as far as active health knows
  Gauge ejected;      ///< 1 while passive health keeps it out
  Histogram latency;  ///< from the attempt's start to the response's head

  void begin() { in_flight.add(); }
  void finish(int status, Duration took) {
    in_flight.sub();
    responses.add(status);
    latency.observe(took);
  }
  void merge(const EndpointCells& other);
};

enum class TlsVersionLabel : std::uint8_t { tls12, tls13 };

/// One listener, counted by whoever accepts and by server connections.
struct alignas(64) ListenerCells {
  Counter accepted;
  Counter refused;  ///< a connection limit, or no descriptor left
  Gauge active;
  std::array<Counter, 2> handshakes;  ///< complete, by TlsVersionLabel, resumed ones included
  std::array<Counter, 2> resumed;
  Counter handshakes_failed;

  void handshake_done(TlsVersionLabel version, bool was_resumed) {
    handshakes[static_cast<std::size_t>(version)].add();
    if (was_resumed) resumed[static_cast<std::size_t>(version)].add();
  }
  void merge(const ListenerCells& other);
};

/// One token policy.
struct alignas(64) TokenCells {
  Counter allowed;
  Counter denied;      ///< a missing token included
  Counter no_verdict;  ///< the exchange ended 503
  Counter cache_hits;  ///< verdicts that needed no look-up
  Counter stale_hits;  ///< of those, verdicts used past their time while the upstream was down
  Counter lookups;
  Gauge lookups_in_flight;
  Counter joined;  ///< exchanges that waited for another one's look-up
  Counter evictions;
  Gauge entries;
  void merge(const TokenCells& other);
};

/// What belongs to no name. Workers and the control thread each have one.
struct alignas(64) ProcessCells {
  // Control thread.
  Counter reloads_ok;
  Counter reloads_failed;
  Counter reloads_unchanged;
  Gauge generation;
  Gauge refused;   ///< 1 while the newest configuration is not the one in use
  Gauge draining;  ///< 1 from the first SIGTERM
  // Workers.
  Counter log_lines;
  Counter log_lines_dropped;
  Counter underscore_headers;  ///< dropped from requests
  std::array<Counter, static_cast<std::size_t>(ErrorCode::internal) + 1> local_replies;

  void local_reply(ErrorCode code) { local_replies[static_cast<std::size_t>(code)].add(); }
  void merge(const ProcessCells& other);
};

}  // namespace gateway
