#include "gateway/net/openssl.h"

#include <openssl/err.h>

namespace gateway::net {

std::string openssl_error() {
  const unsigned long code = ERR_peek_error();
  if (code == 0) return "unknown error";
  const char* reason = ERR_reason_error_string(code);
  std::string text = reason == nullptr ? "error " + std::to_string(ERR_GET_REASON(code)) : reason;
  ERR_clear_error();
  return text;
}

}  // namespace gateway::net
