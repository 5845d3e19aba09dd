#include "gateway/http/h1_writer.h"
#include "tests/fuzz/property.h"
#include "tests/support/http_trace.h"

namespace {

using gateway::Buffer;
using gateway::fuzz::expect_same;
using namespace gateway::http;

constexpr std::string_view kHead =
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";

std::string read_whole(std::string_view body, const RequestOptions& options) {
  RequestTrace trace(options);
  trace.feed(std::string(kHead).append(body));
  return trace.text();
}

std::string read_in_pieces(std::string_view body, const RequestOptions& options,
                           std::uint8_t seed) {
  RequestTrace trace(options);
  trace.feed(kHead);
  gateway::fuzz::Cuts(seed).feed(body, [&](std::string_view piece) { trace.feed(piece); });
  return trace.text();
}

// Any bytes, written as chunks of any size, are read as those bytes.
void check_round_trip(std::string_view payload, std::uint8_t seed) {
  Buffer out;
  gateway::fuzz::Cuts(seed).feed(payload, [&](std::string_view piece) {
    write_chunk_prefix(piece.size(), out);
    out.append(piece);
    write_chunk_suffix(piece.size(), out);
  });
  write_chunked_end(nullptr, out);
  std::string expected = read_whole("0\r\n\r\n", {});
  if (!payload.empty())
    expected.insert(expected.rfind("end\n"), "body " + std::string(payload) + "\n");
  expect_same(read_whole(out.to_string(), {}), expected, "chunks keep the body");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  RequestOptions options;
  if ((data[1] & 1) != 0) options.limits = {4, 100, 30, 20};
  const std::string_view body(reinterpret_cast<const char*>(data) + 2, size - 2);
  expect_same(read_whole(body, options), read_in_pieces(body, options, data[0]),
              "the result does not depend on the cuts");
  check_round_trip(body, data[0]);
  return 0;
}
