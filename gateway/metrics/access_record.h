#pragma once

#include <cstdint>
#include <string_view>

#include "gateway/base/address.h"
#include "gateway/base/clock.h"

namespace gateway {

/// One ended exchange as the access log and the list of recent errors see it. Views are only read
/// during the call they are handed to. Empty views and negative numbers are left out.
struct AccessRecord {
  Instant started;  ///< when the request's head was complete
  Duration took{0};
  std::string_view request_id;
  IpAddress client;  ///< as decided by the client address function
  std::string_view method;
  std::string_view host;
  std::string_view path;
  std::string_view query;  ///< raw: the log takes tokens out
  int status = 0;          ///< what the client got; 0: nothing
  std::string_view flag;   ///< describe(code).flag; "-" when all went well
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
  Duration upstream_took{-1};  ///< from the call's start to the response's head
  std::string_view route;
  std::string_view upstream;
  std::string_view endpoint;  ///< "address:port" of the last attempt
  int attempts = 0;
  std::string_view user;
  std::string_view tls_version;
};

}  // namespace gateway
