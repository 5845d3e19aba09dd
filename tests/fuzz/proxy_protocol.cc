#include "gateway/net/proxy_protocol.h"

#include "tests/fuzz/property.h"

using gateway::fuzz::expect;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto header = gateway::net::parse_proxy_header(bytes);
  if (!header) return 0;
  if (!*header) {
    expect(size < gateway::net::kMaxProxyHeader, "nobody can make us wait for ever");
    return 0;
  }
  const std::size_t length = (*header)->length;
  expect(length > 0 && length <= size, "a header is part of its input");
  for (std::size_t shorter = 0; shorter < length; ++shorter) {
    const auto part = gateway::net::parse_proxy_header(bytes.substr(0, shorter));
    expect(part.has_value() && !part->has_value(), "every part of a good header asks for more");
  }
  return 0;
}
