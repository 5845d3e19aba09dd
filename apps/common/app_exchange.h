#pragma once

#include <memory>
#include <string>

#include "apps/common/app.h"

namespace gateway::apps {

/// One thread of a service.
class AppHandler final : public downstream::Handler {
 public:
  /// `state` may be null.
  AppHandler(App& app, MetricsShard& metrics, AccessLogShard& log,
             std::unique_ptr<ThreadState> state)
      : app_(app),
        metrics_(metrics),
        log_(log),
        route_(metrics.route(app.name_)),
        state_(std::move(state)) {}

  std::unique_ptr<downstream::Exchange> begin(downstream::Stream& stream) override;
  void on_refused(const downstream::ConnectionFacts&, const Error& error) override {
    metrics_.process().local_reply(error.code);
  }

 private:
  friend class AppExchange;
  App& app_;
  MetricsShard& metrics_;
  AccessLogShard& log_;
  std::shared_ptr<RouteCells> route_;
  std::unique_ptr<ThreadState> state_;
};

/// Collects the body, asks the service, answers, counts and logs.
class AppExchange final : public downstream::Exchange {
 public:
  AppExchange(AppHandler& handler, downstream::Stream& stream);
  ~AppExchange() override;

  void on_request_body(std::string_view bytes) override;
  void on_request_trailers(http::HeaderList&) override {}
  void on_request_end() override;
  void on_request_failed(const Error& error) override;
  void on_writable() override {}
  void on_abort(const Error& error) override;

 private:
  void answer_service_page();
  void reply(const Answer& answer);
  void finish(int status, std::size_t bytes);

  AppHandler& handler_;
  downstream::Stream& stream_;
  std::string body_;
  std::shared_ptr<AppExchange*> alive_;  ///< for answers that come after the end
  bool over_ = false;
};

}  // namespace gateway::apps
