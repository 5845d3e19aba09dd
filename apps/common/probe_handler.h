#pragma once

#include <memory>
#include <string_view>

#include "apps/common/app.h"

namespace gateway::apps {

/// What tells of the service itself, on every listener.
constexpr bool is_service_page(std::string_view path) {
  return path == "/healthz" || path == "/readyz" || path == "/metrics";
}

/// The listener of --probe-listen: service pages, to anybody who reaches it, and nothing else.
/// Lives on the control thread; neither counted as requests nor logged.
class ProbeHandler final : public downstream::Handler {
 public:
  explicit ProbeHandler(App& app) : app_(app) {}

  std::unique_ptr<downstream::Exchange> begin(downstream::Stream& stream) override;
  void on_refused(const downstream::ConnectionFacts&, const Error& error) override;

 private:
  App& app_;
};

}  // namespace gateway::apps
