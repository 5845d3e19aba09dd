#pragma once

#include <string_view>

#include "gateway/base/buffer.h"
#include "gateway/base/error.h"
#include "gateway/downstream/handler.h"
#include "gateway/http/codec.h"

namespace gateway::downstream {

/// A response made by us: one line of text, or a JSON object when the client asked for JSON.
/// Carries the request id, so that a client's complaint can be found in the log.
struct LocalReplyContent {
  ErrorCode code = ErrorCode::internal;
  int status = 0;         ///< 0: the code's
  std::string_view text;  ///< empty: the code's sentence
  std::string_view request_id;
  const http::HeaderList* headers = nullptr;  ///< added to the head
};

/// Sends head, body and end. Returns the number of body bytes that go out.
std::size_t send_local_reply(Stream& stream, const LocalReplyContent& content);

/// Sends `body` as an answer of the handler's own. Returns as send_local_reply does.
std::size_t send_text(Stream& stream, int status, std::string_view content_type,
                      std::string_view body, const http::HeaderList* headers = nullptr);

/// The answer to bytes that never became a request. Always followed by closing.
void write_refusal(http::ServerCodec& codec, const Error& error, Buffer& out);

}  // namespace gateway::downstream
