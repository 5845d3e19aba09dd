#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "gateway/base/intrusive_list.h"
#include "gateway/config/model.h"
#include "gateway/downstream/handler.h"
#include "gateway/http/codec.h"
#include "gateway/metrics/cells.h"

namespace gateway {
struct ListenerCells;
struct ProcessCells;
}  // namespace gateway

namespace gateway::downstream {

class ServerConnection;

/// What all connections of one listener on one worker share. Outlives them; a reload changes it
/// between two events, and connections see the change at their next request.
struct ListenerState {
  /// An index that no listener of a configuration has.
  static constexpr std::uint32_t kRemoved = 0xffffffff;

  std::string name;
  std::uint32_t index = 0;
  Handler* handler = nullptr;
  config::ListenerHttp http;
  http::RequestOptions request_options;
  bool require_sni_match = false;
  bool draining = false;           ///< answers say `Connection: close`, idle connections are closed
  ListenerCells* cells = nullptr;  ///< may be null (tests)
  ProcessCells* process = nullptr;                         ///< may be null (tests)
  std::atomic<std::uint32_t>* open_connections = nullptr;  ///< process-wide, may be null
  IntrusiveList<ServerConnection, ServerConnection> connections;

  void configure(const config::Listener& listener);
  /// Closes what is idle now; the others close after the answer they are at.
  void drain();
  void close_all();
};

}  // namespace gateway::downstream
