#include "gateway/metrics/families.h"

#include <array>

#include "gateway/metrics/rate_window.h"

namespace gateway {
namespace {

using prometheus::MetricType;
using Time = Reading;

template <typename T>
using Rows = std::span<const Family<T>>;

RequestRate rate_of(const RouteCells& cells, const Time& time) {
  RateHistory history{};
  cells.arrivals.read_into(history, time.now);
  return request_rate(history, time.known_seconds);
}

void handshakes(const ListenerCells& cells, Samples& samples) {
  constexpr std::array<const char*, 2> kVersions = {"TLSv1.2", "TLSv1.3"};
  for (std::size_t i = 0; i < kVersions.size(); ++i) {
    const std::uint64_t resumed = cells.resumed[i].value();
    // The two cells are read one after the other: a handshake may complete in between.
    const std::uint64_t all = std::max(cells.handshakes[i].value(), resumed);
    samples.with("version", kVersions[i], all - resumed).with_same("resumed", "false");
    samples.with("version", kVersions[i], resumed).with_same("resumed", "true");
  }
}

void local_replies(const ProcessCells& cells, Samples& samples) {
  for (std::size_t i = 1; i < cells.local_replies.size(); ++i) {
    const ErrorDescription& error = describe(static_cast<ErrorCode>(i));
    if (error.status != 0 && cells.local_replies[i].value() != 0)
      samples.with("reason", error.label, cells.local_replies[i]);
  }
}

void build(const BuildFacts& facts, Samples& samples) {
  if (facts.version.empty()) return;
  samples.with("version", facts.version, 1.0);
  if (!facts.commit.empty()) samples.with_same("commit", facts.commit);
}

}  // namespace

Rows<RouteCells> route_families() {
  using C = RouteCells;
  static constexpr Family<C> kRows[] = {
      {"gateway_requests_per_second", MetricType::Gauge, "",
       "Requests meant for the upstream, of this replica alone, over the shortest window of 5 to "
       "60 s "
       "that holds 400 of them, or over a burst's last 5, 10 or 20 s. What autoscaling reads.",
       [](const C& c, const Time& t, Samples& s) { s.value(rate_of(c, t).per_second); }},
      {"gateway_requests_total", MetricType::Counter, "class",
       "Ended exchanges by class of the status that the client got (none: it got none).",
       [](const C& c, const Time&, Samples& s) { s.classes(c.responses); }},
      {"gateway_request_duration_seconds", MetricType::Histogram, "le",
       "From the complete request head to the end of the answer.",
       [](const C& c, const Time&, Samples& s) { s.histogram(c.latency); }},
      {"gateway_requests_in_flight", MetricType::Gauge, "", "Exchanges that have not ended.",
       [](const C& c, const Time&, Samples& s) { s.value(c.in_flight); }},
      {"gateway_request_body_bytes_total", MetricType::Counter, "", "Request bodies received.",
       [](const C& c, const Time&, Samples& s) { s.value(c.bytes_in); }},
      {"gateway_response_body_bytes_total", MetricType::Counter, "", "Response bodies sent.",
       [](const C& c, const Time&, Samples& s) { s.value(c.bytes_out); }},
      {"gateway_retries_total", MetricType::Counter, "", "Attempts after the first.",
       [](const C& c, const Time&, Samples& s) { s.value(c.retries); }},
  };
  return kRows;
}

Rows<UpstreamCells> upstream_families() {
  using C = UpstreamCells;
  static constexpr Family<C> kRows[] = {
      {"gateway_upstream_requests_total", MetricType::Counter, "class",
       "Calls by class of the answer (none: there was none).",
       [](const C& c, const Time&, Samples& s) { s.classes(c.responses); }},
      {"gateway_upstream_request_duration_seconds", MetricType::Histogram, "le",
       "From the call's start to its end, all attempts included.",
       [](const C& c, const Time&, Samples& s) { s.histogram(c.latency); }},
      {"gateway_upstream_requests_in_flight", MetricType::Gauge, "", "Calls that have not ended.",
       [](const C& c, const Time&, Samples& s) { s.value(c.in_flight); }},
      {"gateway_upstream_requests_waiting", MetricType::Gauge, "",
       "Calls that wait for a connection or a request slot.",
       [](const C& c, const Time&, Samples& s) { s.value(c.waiting); }},
      {"gateway_upstream_sent_bytes_total", MetricType::Counter, "", "Bodies sent.",
       [](const C& c, const Time&, Samples& s) { s.value(c.bytes_sent); }},
      {"gateway_upstream_received_bytes_total", MetricType::Counter, "", "Bodies received.",
       [](const C& c, const Time&, Samples& s) { s.value(c.bytes_received); }},
      {"gateway_upstream_retries_total", MetricType::Counter, "", "Attempts after the first.",
       [](const C& c, const Time&, Samples& s) { s.value(c.retries); }},
      {"gateway_upstream_retries_refused_total", MetricType::Counter, "",
       "Retries not made because the budget was spent.",
       [](const C& c, const Time&, Samples& s) { s.value(c.retries_refused); }},
      {"gateway_upstream_overflows_total", MetricType::Counter, "",
       "Calls refused by a bound on connections, requests or waiting.",
       [](const C& c, const Time&, Samples& s) { s.value(c.overflows); }},
      {"gateway_upstream_no_endpoint_total", MetricType::Counter, "",
       "Calls that found no endpoint to ask.",
       [](const C& c, const Time&, Samples& s) { s.value(c.no_endpoint); }},
      {"gateway_upstream_connections", MetricType::Gauge, "state",
       "Open connections: active or idle.",
       [](const C& c, const Time&, Samples& s) {
         const std::int64_t idle = c.connections_idle.value();
         s.with("state", "active", static_cast<double>(c.connections.value() - idle));
         s.with("state", "idle", static_cast<double>(idle));
       }},
      {"gateway_upstream_connects_total", MetricType::Counter, "", "Connections made.",
       [](const C& c, const Time&, Samples& s) { s.value(c.connects); }},
      {"gateway_upstream_connect_failures_total", MetricType::Counter, "",
       "Connections that could not be made, failed TLS handshakes and time-outs included.",
       [](const C& c, const Time&, Samples& s) { s.value(c.connect_failures); }},
      {"gateway_upstream_connection_reuses_total", MetricType::Counter, "",
       "Attempts on a connection that was open already.",
       [](const C& c, const Time&, Samples& s) { s.value(c.reuses); }},
      {"gateway_upstream_tls_handshakes_total", MetricType::Counter, "", "Complete TLS handshakes.",
       [](const C& c, const Time&, Samples& s) { s.value(c.tls_handshakes); }},
  };
  return kRows;
}

Rows<EndpointCells> endpoint_families() {
  using C = EndpointCells;
  static constexpr Family<C> kRows[] = {
      {"gateway_endpoint_requests_total", MetricType::Counter, "class",
       "Attempts by class of the answer (none: there was none).",
       [](const C& c, const Time&, Samples& s) { s.classes(c.responses); }},
      {"gateway_endpoint_request_duration_seconds", MetricType::Histogram, "le",
       "From the attempt's start to the head of the answer.",
       [](const C& c, const Time&, Samples& s) { s.histogram(c.latency); }},
      {"gateway_endpoint_requests_in_flight", MetricType::Gauge, "",
       "Attempts that have not ended.",
       [](const C& c, const Time&, Samples& s) { s.value(c.in_flight); }},
      {"gateway_endpoint_ejections_total", MetricType::Counter, "",
       "Times that passive health took the endpoint out.",
       [](const C& c, const Time&, Samples& s) { s.value(c.ejections); }},
      {"gateway_endpoint_connect_failures_total", MetricType::Counter, "",
       "Connections that could not be made.",
       [](const C& c, const Time&, Samples& s) { s.value(c.connect_failures); }},
      {"gateway_endpoint_healthy", MetricType::Gauge, "", "1 while active health checks pass.",
       [](const C& c, const Time&, Samples& s) { s.value(c.healthy); }},
      {"gateway_endpoint_ejected", MetricType::Gauge, "", "1 while passive health keeps it out.",
       [](const C& c, const Time&, Samples& s) { s.value(c.ejected); }},
  };
  return kRows;
}

Rows<ListenerCells> listener_families() {
  using C = ListenerCells;
  static constexpr Family<C> kRows[] = {
      {"gateway_listener_connections_accepted_total", MetricType::Counter, "", "Connections taken.",
       [](const C& c, const Time&, Samples& s) { s.value(c.accepted); }},
      {"gateway_listener_connections_refused_total", MetricType::Counter, "",
       "Connections refused by a limit or for want of a descriptor.",
       [](const C& c, const Time&, Samples& s) { s.value(c.refused); }},
      {"gateway_listener_connections", MetricType::Gauge, "", "Open connections.",
       [](const C& c, const Time&, Samples& s) { s.value(c.active); }},
      {"gateway_listener_tls_handshakes_total", MetricType::Counter, "version, resumed",
       "Complete TLS handshakes.", [](const C& c, const Time&, Samples& s) { handshakes(c, s); }},
      {"gateway_listener_tls_handshake_failures_total", MetricType::Counter, "",
       "TLS handshakes that failed or took too long.",
       [](const C& c, const Time&, Samples& s) { s.value(c.handshakes_failed); }},
  };
  return kRows;
}

Rows<TokenCells> token_families() {
  using C = TokenCells;
  static constexpr Family<C> kRows[] = {
      {"gateway_token_verdicts_total", MetricType::Counter, "verdict",
       "Requests by verdict: allow, deny (a missing token included), or none (answered 503).",
       [](const C& c, const Time&, Samples& s) {
         s.with("verdict", "allow", c.allowed);
         s.with("verdict", "deny", c.denied);
         s.with("verdict", "none", c.no_verdict);
       }},
      {"gateway_token_cache_hits_total", MetricType::Counter, "",
       "Verdicts that needed no look-up, stale ones included.",
       [](const C& c, const Time&, Samples& s) { s.value(c.cache_hits); }},
      {"gateway_token_stale_hits_total", MetricType::Counter, "",
       "Verdicts used past their time because the look-up failed.",
       [](const C& c, const Time&, Samples& s) { s.value(c.stale_hits); }},
      {"gateway_token_lookups_total", MetricType::Counter, "", "Look-ups made.",
       [](const C& c, const Time&, Samples& s) { s.value(c.lookups); }},
      {"gateway_token_lookups_in_flight", MetricType::Gauge, "", "Look-ups that have not ended.",
       [](const C& c, const Time&, Samples& s) { s.value(c.lookups_in_flight); }},
      {"gateway_token_lookups_joined_total", MetricType::Counter, "",
       "Requests that waited for another one's look-up.",
       [](const C& c, const Time&, Samples& s) { s.value(c.joined); }},
      {"gateway_token_cache_evictions_total", MetricType::Counter, "",
       "Verdicts forgotten before their time to make room.",
       [](const C& c, const Time&, Samples& s) { s.value(c.evictions); }},
      {"gateway_token_cache_entries", MetricType::Gauge, "", "Verdicts kept.",
       [](const C& c, const Time&, Samples& s) { s.value(c.entries); }},
  };
  return kRows;
}

Rows<ProcessCells> process_families() {
  using C = ProcessCells;
  static constexpr Family<C> kRows[] = {
      {"gateway_reloads_total", MetricType::Counter, "result",
       "Configurations read: ok (taken into use), failed (the one before stays) or unchanged (in "
       "use already).",
       [](const C& c, const Time&, Samples& s) {
         s.with("result", "ok", c.reloads_ok);
         s.with("result", "failed", c.reloads_failed);
         s.with("result", "unchanged", c.reloads_unchanged);
       }},
      {"gateway_config_generation", MetricType::Gauge, "",
       "Number of the configuration in use: 1 at start, one more with each that is "
       "taken into use.",
       [](const C& c, const Time&, Samples& s) { s.value(c.generation); }},
      {"gateway_config_refused", MetricType::Gauge, "",
       "1 from a configuration that was refused until one is taken into use, or found to be the "
       "one "
       "in use.",
       [](const C& c, const Time&, Samples& s) { s.value(c.refused); }},
      {"gateway_draining", MetricType::Gauge, "", "1 from the first request to stop.",
       [](const C& c, const Time&, Samples& s) { s.value(c.draining); }},
      {"gateway_local_replies_total", MetricType::Counter, "reason",
       "Answers made by the gateway itself because of an error. A reason appears when it first "
       "occurs.",
       [](const C& c, const Time&, Samples& s) { local_replies(c, s); }},
      {"gateway_underscore_headers_dropped_total", MetricType::Counter, "",
       "Request fields dropped because their name has an underscore.",
       [](const C& c, const Time&, Samples& s) { s.value(c.underscore_headers); }},
      {"gateway_access_log_lines_total", MetricType::Counter, "",
       "Lines handed to the access log's writer.",
       [](const C& c, const Time&, Samples& s) { s.value(c.log_lines); }},
      {"gateway_access_log_lines_dropped_total", MetricType::Counter, "",
       "Lines lost because the log could not be written fast enough or at all.",
       [](const C& c, const Time&, Samples& s) { s.value(c.log_lines_dropped); }},
      {"gateway_build_info", MetricType::Gauge, "version, commit", "1: what is running.",
       [](const C&, const Time& t, Samples& s) { build(t.build, s); }},
      {"process_cpu_seconds_total", MetricType::Counter, "", "User and system time.",
       [](const C&, const Time& t, Samples& s) { s.value(t.process.cpu_seconds); }},
      {"process_resident_memory_bytes", MetricType::Gauge, "", "Resident memory.",
       [](const C&, const Time& t, Samples& s) { s.value(t.process.resident_bytes); }},
      {"process_open_fds", MetricType::Gauge, "", "Open descriptors.",
       [](const C&, const Time& t, Samples& s) { s.value(t.process.open_descriptors); }},
      {"process_max_fds", MetricType::Gauge, "", "Descriptors that may be open.",
       [](const C&, const Time& t, Samples& s) { s.value(t.process.most_descriptors); }},
      {"process_start_time_seconds", MetricType::Gauge, "", "Start of the process, since 1970.",
       [](const C&, const Time& t, Samples& s) { s.value(t.process.started_at); }},
  };
  return kRows;
}

Rows<ClusterFacts> cluster_families() {
  using C = ClusterFacts;
  static constexpr Family<C> kRows[] = {
      {"gateway_cluster_peers", MetricType::Gauge, "state",
       "Other replicas that are listed: fresh (heard within 3 s), stale, lost (silent for 30 s) or "
       "silent (never heard yet). One that ends counts only while it answers.",
       [](const C& c, const Time&, Samples& s) {
         for (std::size_t i = 0; i < C::kStates.size(); ++i)
           s.with("state", C::kStates[i], static_cast<double>(c.peers[i]));
       }},
      {"gateway_cluster_sums_known", MetricType::Gauge, "",
       "1 while sums over the replicas are told, 0 while who asks for one gets 503.",
       [](const C& c, const Time&, Samples& s) { s.value(c.sums_known ? 1.0 : 0.0); }},
  };
  return kRows;
}

Rows<CertificateFact> certificate_families() {
  using C = CertificateFact;
  static constexpr Family<C> kRows[] = {
      {"gateway_certificate_expiry_seconds", MetricType::Gauge, "",
       "When the certificate, or the first of its chain, ends, since 1970. Those that nobody is "
       "shown are left out; of several with the same labels it is the first to end.",
       [](const C& c, const Time&, Samples& s) { s.value(static_cast<double>(c.ends)); }},
  };
  return kRows;
}

void Samples::add(double number) {
  prometheus::ClientMetric& metric = family_.metric.emplace_back();
  metric.label = labels_;
  (family_.type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = number;
}

Samples& Samples::with_same(const char* label, std::string_view text) {
  family_.metric.back().label.push_back({label, std::string(text)});
  return *this;
}

void Samples::classes(const ResponseClasses& classes) {
  constexpr std::array<const char*, 6> kNames = {"none", "1xx", "2xx", "3xx", "4xx", "5xx"};
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    // 1xx never ends an exchange; the others are there from the start, so that rates begin at zero.
    if (i != 1 || classes.by_class[i].value() != 0) with("class", kNames[i], classes.by_class[i]);
  }
}

void Samples::histogram(const Histogram& histogram) {
  const std::uint64_t count = histogram.count();
  if (count == 0) return;
  prometheus::ClientMetric& metric = family_.metric.emplace_back();
  metric.label = labels_;
  metric.histogram.sample_sum = static_cast<double>(histogram.sum_nanoseconds()) / 1e9;
  metric.histogram.bucket.reserve(Histogram::kBuckets);
  std::uint64_t cumulative = 0;
  for (std::size_t i = 0; i + 1 < Histogram::kBuckets; ++i) {
    cumulative += histogram.count_in(i);
    metric.histogram.bucket.push_back(
        {cumulative, static_cast<double>(Histogram::kBounds[i]) / 1e9});
  }
  metric.histogram.sample_count = cumulative + histogram.count_in(Histogram::kBuckets - 1);
}

}  // namespace gateway
