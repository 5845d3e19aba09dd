#include "tests/fuzz/property.h"
#include "tests/support/http_trace.h"

namespace {

using gateway::fuzz::expect_same;
using namespace gateway::http;

// Whether bytes come with the end of a response or right after it, only time tells: "reusable" may
// be said before they come, never after.
std::string without_reusable(std::string text) {
  constexpr std::string_view kWord = "end reusable\n";
  for (auto at = text.find(kWord); at != std::string::npos; at = text.find(kWord))
    text.replace(at, kWord.size(), "end\n");
  return text;
}

template <typename Feed>
std::string read(Method method, const CodecLimits& limits, bool closes, Feed feed) {
  ResponseTrace trace(method, limits);
  feed(trace);
  if (closes) trace.feed_eof();
  return without_reusable(trace.text());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const Method method = (data[1] & 1) != 0 ? Method::head : Method::get;
  const bool closes = (data[1] & 2) != 0;
  CodecLimits limits;
  if ((data[1] & 4) != 0) limits = {4, 100, 30, 20};
  const std::string_view wire(reinterpret_cast<const char*>(data) + 2, size - 2);
  const std::string whole =
      read(method, limits, closes, [&](ResponseTrace& trace) { trace.feed(wire); });
  const std::string pieces = read(method, limits, closes, [&](ResponseTrace& trace) {
    gateway::fuzz::Cuts(data[0]).feed(wire, [&](std::string_view piece) { trace.feed(piece); });
  });
  expect_same(whole, pieces, "the result does not depend on the cuts");
  return 0;
}
