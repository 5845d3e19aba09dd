#pragma once

#include "gateway/custom_metrics/authorizer.h"
#include "gateway/custom_metrics/custom_metrics_handler.h"
#include "gateway/custom_metrics/label_selector.h"
#include "gateway/custom_metrics/metric.h"

namespace gateway::custom_metrics {

struct CustomMetricsHandler::Question {
  Metric metric = Metric::requests_per_second;
  bool external = false;
  ObjectKind kind;         ///< of the object
  ObjectQuery object;      ///< external: only its namespace
  LabelSelector selector;  ///< of the metric's own labels
  AccessRequest access;
};

}  // namespace gateway::custom_metrics
