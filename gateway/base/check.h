#pragma once

#include <source_location>

namespace gateway {

/// Prints the broken invariant with its place and aborts. Never reached by bytes of the network or
/// of a file: those get an answer (gateway/base/result.h).
[[noreturn]] void check_failed(const char* condition, std::source_location where);

}  // namespace gateway

/// Guards our own invariants, in every build: a broken one must not go on serving.
#define GATEWAY_CHECK(condition)                                              \
  do {                                                                        \
    if (!(condition)) [[unlikely]]                                            \
      ::gateway::check_failed(#condition, ::std::source_location::current()); \
  } while (false)
