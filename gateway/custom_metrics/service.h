#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "gateway/downstream/handler.h"

namespace gateway::custom_metrics {

/// A request with its whole body. Views live until the answer is given or the client has gone;
/// an answer that comes later must have kept what it needs.
struct Request {
  const http::RequestHead& head;
  const downstream::ConnectionFacts& connection;
  std::string_view body;
};

struct Answer {
  int status = 200;
  std::string body;
  std::string_view content_type = "application/json";  ///< a literal
  std::string_view challenge = {};                     ///< WWW-Authenticate; a literal
  std::string_view allow = {};                         ///< Allow; a literal
};

/// Takes the answer, once, on the loop; at once or later, also when the client has gone meanwhile.
using Reply = std::function<void(Answer)>;

/// A handler whose requests are small: the body is gathered before anything is done.
class Service : public downstream::Handler {
 public:
  virtual void answer(const Request& request, Reply reply) = 0;

  std::unique_ptr<downstream::Exchange> begin(downstream::Stream& stream) final;
  void on_refused(const downstream::ConnectionFacts&, const Error&) override {}
};

}  // namespace gateway::custom_metrics
