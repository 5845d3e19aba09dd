#include "apps/common/probe_handler.h"

#include "gateway/downstream/local_reply.h"

namespace gateway::apps {
namespace {

/// Answered before it began.
class ProbeExchange final : public downstream::Exchange {
 public:
  void on_request_body(std::string_view) override {}
  void on_request_trailers(http::HeaderList&) override {}
  void on_request_end() override {}
  void on_request_failed(const Error&) override {}
  void on_writable() override {}
  void on_abort(const Error&) override {}
};

}  // namespace

std::unique_ptr<downstream::Exchange> ProbeHandler::begin(downstream::Stream& stream) {
  const http::RequestHead& head = stream.request();
  if (head.body.has_body()) stream.close_after();  // nobody is going to read it
  const Answer page = is_service_page(head.path)
                          ? app_.service_page(head.path)
                          : Answer{404,
                                   "There is only /healthz, /readyz and /metrics.\n",
                                   "text/plain; charset=utf-8",
                                   {}};
  downstream::send_text(stream, page.status, page.content_type, page.body);
  return std::make_unique<ProbeExchange>();
}

void ProbeHandler::on_refused(const downstream::ConnectionFacts&, const Error& error) {
  app_.registry_->control().process().local_reply(error.code);
}

}  // namespace gateway::apps
