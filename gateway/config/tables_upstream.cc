#include <array>
#include <charconv>

#include "gateway/config/tables.h"

namespace gateway::config {
namespace {

void set_endpoint(Endpoint& endpoint, const Value& value) {
  const std::string& text = value.as<std::string>();
  const auto colon = text.rfind(':');
  const bool bracketed = text.front() == '[';
  endpoint.host = text.substr(bracketed ? 1 : 0, colon - (bracketed ? 2 : 0));
  std::from_chars(text.data() + colon + 1, text.data() + text.size(), endpoint.port);
}

std::string endpoint_text(const Endpoint& endpoint) {
  const bool v6 = endpoint.host.find(':') != std::string::npos;
  return (v6 ? "[" + endpoint.host + "]" : endpoint.host) + ":" + std::to_string(endpoint.port);
}

Option<Endpoint> address_row() {
  return {{.name = "address",
           .type = FieldType::endpoint,
           .text = "Host and port. The host is an address, or a DNS name that is resolved again as "
                   "its time to live says, within 10 s at the latest.",
           .exclusive = "address",
           .one_needed = true},
          set_endpoint,
          [](const Endpoint& endpoint) -> Value {
            if (endpoint.host.empty()) return {};
            return endpoint_text(endpoint);
          }};
}

// For those who write host and port apart; never written, the address says both.
Option<Endpoint> host_row() {
  return {{.name = "host",
           .type = FieldType::host,
           .text = "Host alone, with `port` beside it.",
           .exclusive = "address",
           .one_needed = true},
          [](Endpoint& endpoint, const Value& value) { endpoint.host = value.as<std::string>(); },
          [](const Endpoint&) { return Value(); }};
}

Option<Endpoint> port_row() {
  return {{.name = "port",
           .type = FieldType::integer,
           .text = "With `host`.",
           .least = 1,
           .most = 65535},
          [](Endpoint& endpoint, const Value& value) {
            endpoint.port = static_cast<std::uint16_t>(value.as<std::int64_t>());
          },
          [](const Endpoint&) { return Value(); }};
}

}  // namespace

Rows<Endpoint> options(Of<Endpoint>) {
  static const auto rows = std::to_array<Option<Endpoint>>({
      address_row(),
      host_row(),
      port_row(),
      option<&Endpoint::weight>({.name = "weight",
                                 .text = "Its share, for balancers that heed it.",
                                 .least = 1,
                                 .most = 65535}),
  });
  return rows;
}

Rows<UpstreamTls> options(Of<UpstreamTls>) {
  static const auto rows = std::to_array<Option<UpstreamTls>>({
      option<&UpstreamTls::verify>(
          {.name = "verify", .text = "Verify the endpoint's certificate and name."}),
      option<&UpstreamTls::ca>({.name = "ca",
                                .type = FieldType::file,
                                .text = "PEM bundle of authorities. Left out: the system's.",
                                .pem = "CERTIFICATE"}),
      option<&UpstreamTls::server_name>(
          {.name = "server_name",
           .type = FieldType::host,
           .text = "Name that is asked for (SNI) and verified. Needed with `verify` unless all "
                   "endpoints are DNS names. A request's Host never decides it."}),
      option<&UpstreamTls::certificate>({.name = "certificate",
                                         .type = FieldType::file,
                                         .text = "PEM file of our certificate, for mutual TLS.",
                                         .pem = "CERTIFICATE"}),
      option<&UpstreamTls::key>({.name = "key",
                                 .type = FieldType::file,
                                 .text = "PEM file of its private key.",
                                 .pem = "PRIVATE KEY"}),
  });
  return rows;
}

Rows<UpstreamTimeouts> options(Of<UpstreamTimeouts>) {
  static const auto rows = std::to_array<Option<UpstreamTimeouts>>({
      option<&UpstreamTimeouts::connect>({.name = "connect",
                                          .text = "For a connection, TLS included.",
                                          .least = 0.001,
                                          .most = 300}),
      option<&UpstreamTimeouts::request>(
          {.name = "request",
           .text = "From the last byte of the request to the head of the answer, retries included; "
                   "then: 504. 0: none."}),
      option<&UpstreamTimeouts::per_try>(
          {.name = "per_try",
           .text = "Until the head of an answer; then another try, if allowed. 0: none."}),
      option<&UpstreamTimeouts::idle>(
          {.name = "idle",
           .text = "A pooled connection that is not used, and silence inside of a body.",
           .least = 0.001}),
      option<&UpstreamTimeouts::tunnel_idle>(
          {.name = "tunnel_idle",
           .text = "A tunnel (WebSocket) through which nothing passes either way. 0: none."}),
  });
  return rows;
}

Rows<Retries> options(Of<Retries>) {
  static const auto rows = std::to_array<Option<Retries>>({
      option<&Retries::attempts>(
          {.name = "attempts", .text = "Tries after the first. 0: none.", .most = 10}),
      option<&Retries::budget>({.name = "budget",
                                .text = "Retries for each request, over the last 10 s.",
                                .least = 0,
                                .most = 1}),
      option<&Retries::budget_floor>({.name = "budget_floor",
                                      .text = "Retries a second that are allowed in any case.",
                                      .most = 10000}),
      option<&Retries::statuses>(
          {.name = "statuses",
           .text = "Answers (400 to 599) after which an idempotent request is tried again."}),
  });
  return rows;
}

Rows<UpstreamLimits> options(Of<UpstreamLimits>) {
  static const auto rows = std::to_array<Option<UpstreamLimits>>({
      option<&UpstreamLimits::connections>(
          {.name = "connections", .text = "Connections of the process. 0: unlimited."}),
      option<&UpstreamLimits::requests>(
          {.name = "requests", .text = "Requests at a time. 0: unlimited."}),
      option<&UpstreamLimits::waiting>(
          {.name = "waiting", .text = "Exchanges that may wait for one of those; above: 503."}),
  });
  return rows;
}

Rows<ActiveHealth> options(Of<ActiveHealth>) {
  static const auto rows = std::to_array<Option<ActiveHealth>>({
      option<&ActiveHealth::path>(
          {.name = "path", .type = FieldType::path, .text = "What is asked for; 2xx is healthy."}),
      option<&ActiveHealth::host>({.name = "host",
                                   .type = FieldType::host,
                                   .text = "Host field. Left out: the endpoint's own address."}),
      option<&ActiveHealth::interval>(
          {.name = "interval", .text = "Between two questions.", .least = 0.05, .most = 3600}),
      option<&ActiveHealth::timeout>(
          {.name = "timeout", .text = "For an answer.", .least = 0.01, .most = 300}),
      option<&ActiveHealth::healthy_after>({.name = "healthy_after",
                                            .text = "Good answers in a row that make it healthy.",
                                            .least = 1,
                                            .most = 100}),
      option<&ActiveHealth::unhealthy_after>(
          {.name = "unhealthy_after",
           .text = "Bad answers in a row that make it unhealthy.",
           .least = 1,
           .most = 100}),
  });
  return rows;
}

Rows<PassiveHealth> options(Of<PassiveHealth>) {
  static const auto rows = std::to_array<Option<PassiveHealth>>({
      option<&PassiveHealth::enabled>(
          {.name = "enabled", .text = "Eject endpoints that fail real requests."}),
      option<&PassiveHealth::consecutive_failures>(
          {.name = "consecutive_failures",
           .text = "Failures in a row that eject an endpoint.",
           .least = 1,
           .most = 1000}),
      option<&PassiveHealth::ejection>({.name = "ejection",
                                        .text = "For how long, unless a trial request succeeds.",
                                        .least = 0.01,
                                        .most = 3600}),
      option<&PassiveHealth::trial_interval>(
          {.name = "trial_interval",
           .text = "An ejected endpoint gets one request in each such interval.",
           .least = 0.01,
           .most = 3600}),
      option<&PassiveHealth::max_ejected_percent>(
          {.name = "max_ejected_percent",
           .text = "How many of the endpoints may be ejected at a time.",
           .most = 100}),
  });
  return rows;
}

Rows<Upstream> options(Of<Upstream>) {
  static const auto rows = std::to_array<Option<Upstream>>({
      option<&Upstream::name>({.name = "name",
                               .type = FieldType::name,
                               .text = "For routes, filters, metrics and logs.",
                               .required = true}),
      option<&Upstream::private_>(
          {.name = "private", .text = "No route may name it: only filters reach it."}),
      option<&Upstream::endpoints>({.name = "endpoints",
                                    .text = "Where it is: `host:port`, or a map.",
                                    .required = true,
                                    .least = 1,
                                    .plain = "address"}),
      option<&Upstream::balancer>({.name = "balancer",
                                   .type = FieldType::balancer,
                                   .text = "Which endpoint comes next.",
                                   .default_text = "least_request"}),
      option<&Upstream::tls>({.name = "tls", .text = "TLS. Left out: plain HTTP."}),
      option<&Upstream::timeouts>({.name = "timeouts", .text = "How long things may take."}),
      option<&Upstream::retries>(
          {.name = "retries",
           .text = "Further tries, on another endpoint where there is one. A request that may have "
                   "been executed is never sent again unless it is idempotent."}),
      option<&Upstream::limits>(
          {.name = "limits", .text = "Bounds of the process towards this upstream."}),
      option<&Upstream::active_health>(
          {.name = "active_health",
           .text = "Ask the endpoints how they are, once for the process. Left out: not asked."}),
      option<&Upstream::passive_health>(
          {.name = "passive_health", .text = "Learn from real requests how the endpoints are."}),
      option<&Upstream::slow_start>(
          {.name = "slow_start",
           .text = "A new or recovered endpoint reaches its full share after so long.",
           .most = 3600}),
      option<&Upstream::max_idle_connections>(
          {.name = "max_idle_connections", .text = "Pooled connections kept by each worker."}),
  });
  return rows;
}

}  // namespace gateway::config
