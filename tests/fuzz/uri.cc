#include "gateway/base/uri.h"

#include "tests/fuzz/property.h"

namespace {

using gateway::fuzz::expect;
using gateway::fuzz::expect_same;

void check_path(std::string_view text, bool merge_slashes) {
  gateway::Arena arena;
  const auto path = gateway::canonical_path(text, merge_slashes, arena);
  if (!path) return;
  expect(path->starts_with('/'), "a path begins with a slash");
  expect(path->size() <= text.size() + 1, "a path does not grow");
  const auto again = gateway::canonical_path(*path, merge_slashes, arena);
  expect(again.has_value(), "a canonical path is a path");
  expect_same(*path, *again, "a canonical path stays as it is");
  const std::string closed = std::string(*path) + "/";
  for (const char* part : {"/./", "/../", "%2f", "%2F", "%5c", "%5C", "%00", "\\", "%2e", "%2E"})
    expect(closed.find(part) == std::string::npos, "nothing is left to resolve");
  if (merge_slashes) expect(path->find("//") == std::string::npos, "slashes are merged");
  for (const char c : *path)
    expect(c > 0x20 && c < 0x7F && c != '?' && c != '#', "only visible bytes");
}

void check_authority(std::string_view text) {
  const auto authority = gateway::parse_authority(text);
  expect(authority.has_value() == gateway::is_authority(text), "both agree");
  if (!authority) return;
  expect(!authority->host.empty(), "a host is named");
  expect(text.find_first_of("@,/\\ ?#%") == std::string_view::npos, "nothing but host and port");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_path(text, true);
  check_path(text, false);
  check_authority(text);
  return 0;
}
