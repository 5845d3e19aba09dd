#pragma once

#include <cstdint>

#include "gateway/admin/admin_source.h"
#include "gateway/downstream/handler.h"

namespace gateway::admin {

/// Which pages a listener shows. `health_and_metrics`: what probes and scrapers need, to whoever
/// can reach it; nothing there tells of the configuration or changes anything.
enum class Pages : std::uint8_t { all, health_and_metrics };

/// Answers on the admin listener, on the control thread's loop:
///   GET  /              the page that a person watches
///   GET  /healthz       200 while the process answers at all
///   GET  /readyz        200 when it may get traffic, else 503
///   GET  /metrics       Prometheus' text format
///   GET  /stats         what the page is made from
///   GET  /config        the configuration in use, secrets masked
///   GET  /routes        all routes with their rates
///   GET  /upstreams     all upstreams with the state of their endpoints
///   POST /reload        200 with the new generation, or 422 with what is wrong
///   POST /drain         202
/// POST needs the bearer token. See check_origin() for who is heard at all.
class AdminHandler final : public downstream::Handler {
 public:
  /// `source` outlives the handler.
  AdminHandler(AdminSource& source, Pages pages) : source_(source), pages_(pages) {}

  std::unique_ptr<downstream::Exchange> begin(downstream::Stream& stream) override;
  void on_refused(const downstream::ConnectionFacts&, const Error&) override {}

 private:
  AdminSource& source_;
  const Pages pages_;
};

}  // namespace gateway::admin
