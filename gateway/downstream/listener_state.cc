#include "gateway/downstream/listener_state.h"

#include "gateway/downstream/server_connection.h"

namespace gateway::downstream {
namespace {

http::Underscores underscores(config::Underscores choice) {
  switch (choice) {
    case config::Underscores::drop: return http::Underscores::drop;
    case config::Underscores::refuse: return http::Underscores::refuse;
    case config::Underscores::allow: return http::Underscores::allow;
  }
  return http::Underscores::drop;
}

}  // namespace

void ListenerState::configure(const config::Listener& listener) {
  name = listener.name;
  http = listener.http;
  request_options.limits.max_fields = http.max_fields;
  request_options.limits.max_head_bytes = http.max_head.bytes;
  request_options.limits.max_target_bytes = http.max_target.bytes;
  request_options.max_body_bytes = http.max_body.bytes;
  request_options.underscores = underscores(http.underscores);
  request_options.merge_slashes = http.merge_slashes;
  require_sni_match =
      listener.tls && listener.tls->client_certificates != config::ClientCertificates::off;
}

void ListenerState::drain() {
  draining = true;
  IntrusiveList<ServerConnection, ServerConnection> all;
  all.take(connections);
  while (ServerConnection* connection = all.pop_front()) {
    connections.push_back(*connection);
    connection->close_if_idle();
  }
}

void ListenerState::close_all() {
  while (ServerConnection* connection = connections.pop_front())
    connection->close(Error(ErrorCode::draining, Side::internal));
}

}  // namespace gateway::downstream
