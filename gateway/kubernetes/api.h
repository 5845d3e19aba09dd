#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/base/clock.h"
#include "gateway/base/result.h"
#include "gateway/http/message.h"

/// The seam between those who ask the API server something (watches, leases, access reviews, status
/// writers) and the way there: ApiClient over the network, a script in tests. One loop's thread.
namespace gateway::kubernetes {

struct ApiRequest {
  http::Method method = http::Method::get;
  std::string path_and_query;  ///< percent-encoded, from the server's root: "/api/v1/services"
  std::string body = {};       ///< JSON; empty: none
  std::string content_type = "application/json";  ///< a patch's type says how it is applied
  std::string_view accept = "application/json";   ///< a literal
  /// From sending to the end of the answer; for a stream to its beginning.
  Duration deadline = std::chrono::seconds(30);
  std::size_t max_response = std::size_t{16} << 20;  ///< bytes of the answer's body
};

struct ApiResponse {
  int status = 0;
  std::string body = {};
  std::optional<Duration> retry_after = std::nullopt;

  bool ok() const { return status >= 200 && status < 300; }
  bool not_found() const { return status == 404; }
  /// A write was refused because the object has changed since it was read.
  bool conflict() const { return status == 409; }
};

/// A request under way. Destroying it calls it off: nothing is heard of it afterwards.
class ApiCall {
 public:
  virtual ~ApiCall() = default;
};

/// An answer of whatever status, or why there is none. Larger answers than asked for are
/// `resource_exhausted`; a deadline that passed is `upstream_timeout`.
using ApiAnswered = std::function<void(Result<ApiResponse>)>;

/// Who reads an answer as it comes. May destroy the call from within any of these.
class ApiStream {
 public:
  /// The server has agreed (200); bytes follow.
  virtual void on_stream_open() = 0;
  /// Lives until the return.
  virtual void on_stream_bytes(std::string_view bytes) = 0;
  /// The last one. 200: the server ended the stream. Another status: it refused, nothing came
  /// before, and the body says why. An error: the connection could not be made or broke.
  virtual void on_stream_end(Result<ApiResponse> end) = 0;

 protected:
  ~ApiStream() = default;
};

class Api {
 public:
  virtual ~Api() = default;

  /// `answered` is called at most once, never from within, and may destroy the call.
  virtual std::unique_ptr<ApiCall> send(ApiRequest request, ApiAnswered answered) = 0;
  /// A GET whose answer goes on for minutes. `stream` outlives the call; it hears nothing from
  /// within this.
  virtual std::unique_ptr<ApiCall> stream(ApiRequest request, ApiStream& stream) = 0;
};

}  // namespace gateway::kubernetes
