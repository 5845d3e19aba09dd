#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "tests/support/http_trace.h"

namespace gateway::http {

/// What the codec says of `wire`, which must be the same whether the bytes come at once, one by one
/// or cut at any one place.
template <typename MakeTrace, typename Finish>
std::string read_in_every_cut(std::string_view wire, MakeTrace make, Finish finish) {
  const auto whole = make();
  whole->feed(wire);
  finish(*whole);
  std::string expected = whole->text();

  const auto single = make();
  for (std::size_t i = 0; i < wire.size(); ++i) single->feed(wire.substr(i, 1));
  finish(*single);
  EXPECT_EQ(single->text(), expected) << "fed byte by byte: " << wire.substr(0, 400);

  // A long input is cut at every place near its ends only.
  for (std::size_t cut = 1; cut < wire.size(); ++cut) {
    if (cut > 300 && wire.size() - cut > 300) continue;
    const auto parts = make();
    parts->feed(wire.substr(0, cut));
    parts->feed(wire.substr(cut));
    finish(*parts);
    EXPECT_EQ(parts->text(), expected) << "cut at " << cut << ": " << wire.substr(0, 400);
    if (parts->text() != expected) break;
  }
  return expected;
}

inline std::string read_requests(std::string_view wire, const RequestOptions& options = {}) {
  return read_in_every_cut(
      wire, [&] { return std::make_unique<RequestTrace>(options); }, [](RequestTrace&) {});
}

enum class Then : std::uint8_t { stays_open, closes };

inline std::string read_responses(std::string_view wire, Method method = Method::get,
                                  Then then = Then::stays_open, const CodecLimits& limits = {}) {
  return read_in_every_cut(
      wire, [&] { return std::make_unique<ResponseTrace>(method, limits); },
      [then](ResponseTrace& trace) {
        if (then == Then::closes) trace.feed_eof();
      });
}

}  // namespace gateway::http
