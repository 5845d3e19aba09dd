#include "gateway/custom_metrics/cluster_handler.h"

#include "gateway/custom_metrics/api_objects.h"
#include "gateway/custom_metrics/peers.h"
#include "gateway/custom_metrics/rates_json.h"
#include "gateway/http/bearer.h"
#include "gateway/http/fields.h"

namespace gateway::custom_metrics {
namespace {

using http::Method;

bool shows_certificate(const Request& request) {
  const net::TlsFacts* tls = request.connection.tls;
  return tls != nullptr && tls->is_tls && tls->client_verified;
}

Answer plain_error(int status, std::string_view text) {
  return json_answer(status, {{"error", text}});
}

Answer not_allowed(std::string_view methods) {
  Answer answer = plain_error(405, "the method is not allowed here");
  answer.allow = methods;
  return answer;
}

bool is_form(const http::RequestHead& head) {
  const std::string_view type = head.headers.value(http::HeaderId::content_type);
  return http::equals_ignoring_case(type.substr(0, type.find(';')),
                                    "application/x-www-form-urlencoded");
}

}  // namespace

ClusterHandler::ClusterHandler(ReplicaRings& rings, ClusterSum& sum, SumHistory& history,
                               std::function<std::string()> token, QueryApi::WallClock wall_clock)
    : rings_(rings),
      sum_(sum),
      query_api_(sum, history, std::move(wall_clock)),
      token_(std::move(token)) {}

void ClusterHandler::answer(const Request& request, Reply reply) {
  const std::string_view path = request.head.path;
  if (path == "/healthz") return reply({200, "ok\n", "text/plain; charset=utf-8"});
  if (path == kRingsPath) return reply(answer_peer(request));
  if (path == kRatesPath || QueryApi::serves(path)) return reply(answer_reader(request));
  reply(plain_error(404, "nothing is served under this address"));
}

Answer ClusterHandler::answer_peer(const Request& request) {
  if (!shows_certificate(request))
    return plain_error(403, "peers show a client certificate of the cluster's authority");
  if (request.head.method != Method::post) return not_allowed("POST");
  const auto query = decode_query(request.body);
  if (!query) return plain_error(400, query.error().detail);
  return {200, encode(rings_.report(*query))};
}

bool ClusterHandler::may_read(const Request& request) const {
  if (shows_certificate(request)) return true;
  return http::check_token(request.head, token_()) == ErrorCode::none;
}

Answer ClusterHandler::answer_reader(const Request& request) {
  if (!may_read(request)) {
    Answer answer = plain_error(401, "a bearer token or a client certificate is needed");
    answer.challenge = "Bearer realm=\"cluster\"";
    return answer;
  }
  const http::RequestHead& head = request.head;
  const bool rates = head.path == kRatesPath;
  const bool reads = head.method == Method::get || head.method == Method::head;
  if (!reads && (rates || head.method != Method::post))
    return not_allowed(rates ? "GET, HEAD" : "GET, HEAD, POST");
  auto parameters = Parameters::parse(head.query);
  if (!parameters) return plain_error(400, "the query is malformed");
  if (rates) return rates_answer(sum_, *parameters);
  if (head.method == Method::post && is_form(head)) {
    auto form = Parameters::parse(request.body);
    if (!form) return plain_error(400, "the form is malformed");
    parameters->append(std::move(*form));
  }
  return query_api_.answer(head.path, *parameters);
}

}  // namespace gateway::custom_metrics
