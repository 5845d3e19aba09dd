#pragma once

#include <prometheus/metric_family.h>

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "gateway/metrics/facts.h"
#include "gateway/metrics/process_facts.h"
#include "gateway/metrics/registry.h"

namespace gateway {

/// What the rows below fill: the samples of one family for one named thing.
class Samples {
 public:
  Samples(prometheus::MetricFamily& family,
          const std::vector<prometheus::ClientMetric::Label>& labels)
      : family_(family), labels_(labels) {}

  void value(double number) { add(number); }
  void value(std::uint64_t number) { add(static_cast<double>(number)); }
  void value(const Counter& counter) { value(counter.value()); }
  void value(const Gauge& gauge) { add(static_cast<double>(gauge.value())); }
  /// With one more label.
  template <typename Number>
  Samples& with(const char* label, std::string_view text, const Number& number) {
    value(number);
    return with_same(label, text);
  }
  /// A further label on the sample just added.
  Samples& with_same(const char* label, std::string_view text);
  /// With the label `class`: 1xx to 5xx, and `none` for what ended without a status.
  void classes(const ResponseClasses& classes);
  /// Left out while nothing was observed: ten thousand idle routes must not cost 200,000 lines.
  void histogram(const Histogram& histogram);

 private:
  void add(double number);

  prometheus::MetricFamily& family_;
  const std::vector<prometheus::ClientMetric::Label>& labels_;
};

/// What samples depend on beside the cells; the same for all of one answer.
struct Reading {
  Instant now;
  int known_seconds = 0;
  ProcessFacts process;
  BuildFacts build;
};

/// One metric family: what is exposed and what the reference says about it.
template <typename Cells>
struct Family {
  const char* name;
  prometheus::MetricType type;
  const char* extra_labels;  ///< beside those of the table, for the reference
  const char* help;
  void (*fill)(const Cells& total, const Reading& reading, Samples& samples);
};

// The tables, in the order of the reference. Labels of all rows stand before them there.
std::span<const Family<RouteCells>> route_families();
std::span<const Family<UpstreamCells>> upstream_families();
std::span<const Family<EndpointCells>> endpoint_families();
std::span<const Family<ListenerCells>> listener_families();
std::span<const Family<TokenCells>> token_families();
std::span<const Family<ProcessCells>> process_families();
std::span<const Family<ClusterFacts>> cluster_families();
std::span<const Family<CertificateFact>> certificate_families();

}  // namespace gateway
