#include <string>

#include "gateway/metrics/exposition.h"
#include "gateway/metrics/families.h"

namespace gateway {
namespace {

std::string_view type_name(prometheus::MetricType type) {
  switch (type) {
    case prometheus::MetricType::Counter: return "counter";
    case prometheus::MetricType::Histogram: return "histogram";
    default: return "gauge";
  }
}

template <typename Cells>
void section(std::string& text, std::string_view title, std::string_view labels,
             std::span<const Family<Cells>> rows) {
  text.append("\n## ").append(title).append("\n\n");
  if (!labels.empty()) text.append("Every series carries ").append(labels).append(".\n\n");
  text.append("| metric | type | further labels | meaning |\n|---|---|---|---|\n");
  for (const Family<Cells>& row : rows) {
    text.append("| `").append(row.name).append("` | ").append(type_name(row.type)).append(" | ");
    text.append(row.extra_labels).append(" | ").append(row.help).append(" |\n");
  }
}

}  // namespace

std::string metrics_reference() {
  std::string text =
      "# Metrics\n\n"
      "`GET /metrics` on the admin listener, in Prometheus' text format. This page is made from "
      "the "
      "table that\ndeclares the series (`gateway/metrics/families.cc`).\n\n"
      "A series survives reloads as long as its route, upstream, endpoint or listener keeps its "
      "name, "
      "and stays five\nminutes after the name has gone. The number of names is bounded; past the "
      "bound "
      "new ones are counted\ntogether under `_other`. Histograms appear with their first "
      "observation; "
      "their bounds go from 50 µs to 60 s.\n";
  section(text, "Routes", "`route`", route_families());
  section(text, "Upstreams", "`upstream`", upstream_families());
  section(text, "Endpoints", "`upstream` and `endpoint` (address:port)", endpoint_families());
  section(text, "Listeners", "`listener`", listener_families());
  section(text, "Tokens", "`upstream`, the one that is asked", token_families());
  section(text, "Process", "", process_families());
  section(text, "Replicas", "", cluster_families());
  section(text, "Certificates",
          "`use` (listener, upstream or cluster), `owner` (the listener's or upstream's name, "
          "or peers), `name` (the first that it is for) and `key` (ecdsa, ed25519 or rsa)",
          certificate_families());
  return text;
}

}  // namespace gateway
