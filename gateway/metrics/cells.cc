#include "gateway/metrics/cells.h"

namespace gateway {
namespace {

template <typename T, std::size_t N>
void merge_all(std::array<T, N>& ours, const std::array<T, N>& theirs) {
  for (std::size_t i = 0; i < N; ++i) ours[i].merge(theirs[i]);
}

}  // namespace

void RouteCells::merge(const RouteCells& other) {
  responses.merge(other.responses);
  in_flight.merge(other.in_flight);
  bytes_in.merge(other.bytes_in);
  bytes_out.merge(other.bytes_out);
  retries.merge(other.retries);
  latency.merge(other.latency);
  arrivals.merge(other.arrivals);
}

void UpstreamCells::merge(const UpstreamCells& other) {
  responses.merge(other.responses);
  in_flight.merge(other.in_flight);
  waiting.merge(other.waiting);
  bytes_sent.merge(other.bytes_sent);
  bytes_received.merge(other.bytes_received);
  retries.merge(other.retries);
  retries_refused.merge(other.retries_refused);
  overflows.merge(other.overflows);
  no_endpoint.merge(other.no_endpoint);
  connections.merge(other.connections);
  connections_idle.merge(other.connections_idle);
  connects.merge(other.connects);
  connect_failures.merge(other.connect_failures);
  reuses.merge(other.reuses);
  tls_handshakes.merge(other.tls_handshakes);
  latency.merge(other.latency);
}

void EndpointCells::merge(const EndpointCells& other) {
  responses.merge(other.responses);
  in_flight.merge(other.in_flight);
  ejections.merge(other.ejections);
  connect_failures.merge(other.connect_failures);
  healthy.merge(other.healthy);
  ejected.merge(other.ejected);
  latency.merge(other.latency);
}

void ListenerCells::merge(const ListenerCells& other) {
  accepted.merge(other.accepted);
  refused.merge(other.refused);
  active.merge(other.active);
  merge_all(handshakes, other.handshakes);
  merge_all(resumed, other.resumed);
  handshakes_failed.merge(other.handshakes_failed);
}

void TokenCells::merge(const TokenCells& other) {
  allowed.merge(other.allowed);
  denied.merge(other.denied);
  no_verdict.merge(other.no_verdict);
  cache_hits.merge(other.cache_hits);
  stale_hits.merge(other.stale_hits);
  lookups.merge(other.lookups);
  lookups_in_flight.merge(other.lookups_in_flight);
  joined.merge(other.joined);
  evictions.merge(other.evictions);
  entries.merge(other.entries);
}

void ProcessCells::merge(const ProcessCells& other) {
  reloads_ok.merge(other.reloads_ok);
  reloads_failed.merge(other.reloads_failed);
  reloads_unchanged.merge(other.reloads_unchanged);
  generation.merge(other.generation);
  refused.merge(other.refused);
  draining.merge(other.draining);
  log_lines.merge(other.log_lines);
  log_lines_dropped.merge(other.log_lines_dropped);
  underscore_headers.merge(other.underscore_headers);
  merge_all(local_replies, other.local_replies);
}

}  // namespace gateway
