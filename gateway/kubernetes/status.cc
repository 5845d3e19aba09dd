#include "gateway/kubernetes/status.h"

#include <nlohmann/json.hpp>

namespace gateway::kubernetes {
namespace {

/// More of a message than anybody reads in a log.
constexpr std::size_t kMostMessage = 400;
/// A Status is small; what is larger is none.
constexpr std::size_t kMostBody = std::size_t{1} << 20;

std::string member(const nlohmann::json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::string printable(std::string text) {
  if (text.size() > kMostMessage) {
    text.resize(kMostMessage);
    // Not in the middle of a character.
    while (!text.empty() && (text.back() & 0x80) != 0) text.pop_back();
    text += "...";
  }
  for (char& c : text)
    if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') c = ' ';
  return text;
}

ErrorCode code_of(int status) {
  switch (status) {
    case 401:
    case 403: return ErrorCode::permission_denied;
    case 404:
    case 410: return ErrorCode::not_found;
    case 400:
    case 422: return ErrorCode::invalid_argument;
    case 429: return ErrorCode::overloaded;
    default: return ErrorCode::io_error;
  }
}

}  // namespace

std::string Status::to_string() const {
  std::string text = std::to_string(code);
  if (!reason.empty()) text.append(" ").append(reason);
  if (!message.empty()) text.append(": ").append(message);
  return text;
}

Status read_status(int code, std::string_view body) {
  Status status{code, {}, {}};
  if (body.size() > kMostBody) return status;
  const auto object = nlohmann::json::parse(body, nullptr, false);
  if (!object.is_object()) {
    status.message = printable(std::string(body.substr(0, kMostMessage)));
    return status;
  }
  status.reason = printable(member(object, "reason"));
  status.message = printable(member(object, "message"));
  return status;
}

Error error_of(const ApiResponse& response, std::string_view doing) {
  const Status status = read_status(response.status, response.body);
  const bool retriable = response.status == 429 || response.status >= 500;
  return {code_of(response.status), Side::upstream, std::string(doing) + ": " + status.to_string(),
          retriable};
}

}  // namespace gateway::kubernetes
