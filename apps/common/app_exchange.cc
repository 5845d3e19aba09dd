#include "apps/common/app_exchange.h"

#include "apps/common/probe_handler.h"
#include "gateway/downstream/local_reply.h"

namespace gateway::apps {
namespace {

constexpr std::size_t kMaxBody = 64 * 1024;

}  // namespace

std::unique_ptr<downstream::Exchange> AppHandler::begin(downstream::Stream& stream) {
  return std::make_unique<AppExchange>(*this, stream);
}

AppExchange::AppExchange(AppHandler& handler, downstream::Stream& stream)
    : handler_(handler), stream_(stream), alive_(std::make_shared<AppExchange*>(this)) {
  handler_.route_->begin();
  if (stream_.request().body.has_body()) stream_.send_continue();
}

AppExchange::~AppExchange() {
  *alive_ = nullptr;
  finish(0, 0);
}

void AppExchange::on_request_body(std::string_view bytes) {
  if (over_) return;
  body_.append(bytes);
  if (body_.size() <= kMaxBody) return;
  stream_.close_after();
  reply({413, "The body is too large.\n", "text/plain; charset=utf-8", {}});
}

void AppExchange::on_request_end() {
  if (over_) return;
  const http::RequestHead& head = stream_.request();
  if (is_service_page(head.path)) return answer_service_page();
  const Request request{head.method,
                        head.path,
                        head.headers.value(http::HeaderId::content_type),
                        body_,
                        head.headers.value(http::HeaderId::x_request_id),
                        stream_.loop(),
                        stream_.connection(),
                        head,
                        handler_.state_.get()};
  handler_.app_.answer_(request, [alive = alive_](const Answer& answer) {
    if (*alive != nullptr) (*alive)->reply(answer);
  });
}

void AppExchange::answer_service_page() {
  App& app = handler_.app_;
  const std::string_view path = stream_.request().path;
  if (path != "/metrics") return reply(app.service_page(path));
  app.service_->loop().post([&app, &loop = stream_.loop(), alive = alive_] {
    loop.post([alive, page = app.service_page("/metrics")] {
      if (*alive != nullptr) (*alive)->reply(page);
    });
  });
}

void AppExchange::reply(const Answer& answer) {
  if (over_) return;
  http::HeaderList headers;
  if (!answer.allow.empty()) headers.add(stream_.arena(), "Allow", answer.allow);
  for (const auto& [name, value] : answer.headers) headers.add(stream_.arena(), name, value);
  // Counted first: the end of the answer is the end of this exchange's turn.
  finish(answer.status, answer.body.size());
  downstream::send_text(stream_, answer.status, answer.content_type, answer.body, &headers);
}

void AppExchange::on_request_failed(const Error& error) {
  if (over_) return;
  reply({describe(error.code).status,
         std::string(describe(error.code).text) + "\n",
         "text/plain; charset=utf-8",
         {}});
}

void AppExchange::on_abort(const Error&) { finish(0, 0); }

void AppExchange::finish(int status, std::size_t bytes) {
  if (over_) return;
  over_ = true;
  // Most answers are given in the turn of their request, all of which is one instant to the loop.
  stream_.loop().refresh_now();
  const Duration took = stream_.loop().now() - stream_.started();
  handler_.route_->finish(status, took, body_.size(), bytes);
  const http::RequestHead& head = stream_.request();
  if (is_service_page(head.path) || !handler_.log_.enabled()) return;
  AccessRecord record;
  record.started = stream_.started();
  record.took = took;
  record.request_id = head.headers.value(http::HeaderId::x_request_id);
  record.client = stream_.connection().peer.ip();
  record.method = http::to_string(head.method);
  record.host = head.host;
  record.path = head.path;
  record.query = head.query;
  record.status = status;
  record.flag = "-";
  record.bytes_in = body_.size();
  record.bytes_out = bytes;
  record.route = handler_.app_.name_;
  handler_.log_.write(record);
}

}  // namespace gateway::apps
