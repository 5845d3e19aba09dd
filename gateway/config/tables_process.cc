#include <array>

#include "gateway/config/tables.h"

namespace gateway::config {

Rows<Drain> options(Of<Drain>) {
  static const auto rows = std::to_array<Option<Drain>>({
      option<&Drain::delay>(
          {.name = "delay",
           .text = "After SIGTERM: how long connections are still accepted while readiness is off, "
                   "so that clients and balancers can notice.",
           .most = 600}),
      option<&Drain::deadline>(
          {.name = "deadline",
           .text = "After that: how long running exchanges may take before they are cut.",
           .most = 3600}),
  });
  return rows;
}

Rows<Process> options(Of<Process>) {
  static const auto rows = std::to_array<Option<Process>>({
      option<&Process::workers>({.name = "workers",
                                 .text = "Threads that serve. 0: as many as the cgroup's quota and "
                                         "the CPU affinity allow.",
                                 .most = 256}),
      option<&Process::pin>(
          {.name = "pin", .text = "Keep each worker on one CPU of the affinity mask."}),
      option<&Process::drain>({.name = "drain", .text = "How the process ends."}),
  });
  return rows;
}

Rows<Admin> options(Of<Admin>) {
  static const auto rows = std::to_array<Option<Admin>>({
      option<&Admin::address>(
          {.name = "address",
           .text = "Where health, metrics and the admin page are served. Left out: nowhere."}),
      option<&Admin::token>({.name = "token",
                             .text = "Bearer token that POST requests (reload, drain) need. Left "
                                     "out: they are refused."}),
  });
  return rows;
}

Rows<Status> options(Of<Status>) {
  static const auto rows = std::to_array<Option<Status>>({
      option<&Status::address>(
          {.name = "address",
           .text = "Where /healthz, /readyz and /metrics, and nothing else, are served to whoever "
                   "can reach it: for probes and scrapers of another machine. Left out: nowhere."}),
  });
  return rows;
}

Rows<AccessLog> options(Of<AccessLog>) {
  static const auto rows = std::to_array<Option<AccessLog>>({
      option<&AccessLog::path>({.name = "path",
                                .text = "`stdout`, `off`, or a file, which SIGUSR1 reopens. One "
                                        "that cannot be opened refuses the configuration.",
                                .least = 1}),
      option<&AccessLog::format>({.name = "format", .text = "How a line is written."}),
  });
  return rows;
}

namespace {

// The one version there is: nothing of it is in the model.
Option<Model> version_row() {
  static constexpr std::string_view kVersions[] = {"1"};
  return {{.name = "version",
           .type = FieldType::integer,
           .text = "Version of this format.",
           .required = true,
           .choices = kVersions},
          [](Model&, const Value&) {},
          [](const Model&) { return Value(std::int64_t{1}); }};
}

}  // namespace

Rows<Model> options(Of<Model>) {
  static const auto rows = std::to_array<Option<Model>>({
      version_row(),
      option<&Model::process>({.name = "process", .text = "The process as a whole."}),
      option<&Model::admin>({.name = "admin", .text = "The admin listener."}),
      option<&Model::status>({.name = "status", .text = "Health and metrics for other machines."}),
      option<&Model::access_log>({.name = "access_log", .text = "One line for each exchange."}),
      option<&Model::cluster>(
          {.name = "cluster",
           .text = "Requests summed over all replicas, for autoscaling. Left out: this replica "
                   "tells nobody."}),
      option<&Model::listeners>({.name = "listeners",
                                 .text = "Where connections are accepted.",
                                 .required = true,
                                 .least = 1}),
      option<&Model::upstreams>(
          {.name = "upstreams", .text = "Named groups of endpoints that requests go to."}),
      option<&Model::filters>(
          {.name = "filters",
           .type = FieldType::filter,
           .text = "Policies on every route. They run in the order of the table of filters, "
                   "whatever their order here."}),
      option<&Model::routes>(
          {.name = "routes", .text = "Which request goes where.", .required = true}),
  });
  return rows;
}

}  // namespace gateway::config
