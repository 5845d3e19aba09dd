#include "gateway/http/bearer.h"

#include "gateway/http/fields.h"

namespace gateway::http {
namespace {

constexpr std::string_view kBearer = "bearer ";

bool equal_in_constant_time(std::string_view given, std::string_view expected) {
  unsigned difference = given.size() == expected.size() ? 0 : 1;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const char byte = i < given.size() ? given[i] : '\0';
    difference |= static_cast<unsigned char>(byte) ^ static_cast<unsigned char>(expected[i]);
  }
  return difference == 0;
}

}  // namespace

ErrorCode check_token(const RequestHead& request, std::string_view token) {
  if (token.empty()) return ErrorCode::forbidden;
  if (request.headers.count(HeaderId::authorization) != 1) return ErrorCode::unauthenticated;
  const std::string_view value = request.headers.value(HeaderId::authorization);
  if (!equals_ignoring_case(value.substr(0, kBearer.size()), kBearer))
    return ErrorCode::unauthenticated;
  return equal_in_constant_time(value.substr(kBearer.size()), token) ? ErrorCode::none
                                                                     : ErrorCode::unauthenticated;
}

}  // namespace gateway::http
