#include "gateway/base/uri.h"

#include <gtest/gtest.h>

#include <string>

namespace gateway {
namespace {

std::string canonical(std::string_view path, bool merge_slashes = true) {
  Arena arena;
  const auto result = canonical_path(path, merge_slashes, arena);
  return result ? std::string(*result) : "refused";
}

struct PathCase {
  std::string_view path;
  std::string_view expected;
};

class CanonicalPath : public testing::TestWithParam<PathCase> {};

TEST_P(CanonicalPath, HasOneForm) {
  const auto [path, expected] = GetParam();
  EXPECT_EQ(canonical(path), expected) << path;
  if (expected != "refused") {
    EXPECT_EQ(canonical(expected), expected) << path;
  }
}

constexpr std::string_view kRefused = "refused";

INSTANTIATE_TEST_SUITE_P(
    Table, CanonicalPath,
    testing::Values(
        PathCase{"/", "/"}, PathCase{"/a/b.c/d", "/a/b.c/d"}, PathCase{"/.hidden", "/.hidden"},
        PathCase{"/a/...", "/a/..."},
        // Dot segments resolve (RFC 3986 §5.2.4), however they are written.
        PathCase{"/a/./b", "/a/b"}, PathCase{"/a/.", "/a/"}, PathCase{"/./", "/"},
        PathCase{"/.", "/"}, PathCase{"/a/../b", "/b"}, PathCase{"/a/b/..", "/a/"},
        PathCase{"/a/..", "/"}, PathCase{"/a/%2e%2E/b", "/b"}, PathCase{"/a/.%2e/b", "/b"},
        PathCase{"/a/%2e/b", "/a/b"}, PathCase{"/a//../b", "/b"}, PathCase{"/a/..;/b", "/a/..;/b"},
        // Above the root.
        PathCase{"/..", kRefused}, PathCase{"/../a", kRefused}, PathCase{"/a/../../b", kRefused},
        PathCase{"/%2e%2e/a", kRefused}, PathCase{"/a//../../b", kRefused},
        // Slashes merge.
        PathCase{"//", "/"}, PathCase{"//a", "/a"}, PathCase{"/a//b///c//", "/a/b/c/"},
        // Unreserved escapes are decoded, all others stay as sent.
        PathCase{"/%61%7E%2D%5f", "/a~-_"}, PathCase{"/%20%3a%3A%25", "/%20%3a%3A%25"},
        PathCase{"/a%0d%0a", "/a%0d%0a"}, PathCase{"/%252e%252e/", "/%252e%252e/"},
        PathCase{"/%", kRefused}, PathCase{"/%4", kRefused}, PathCase{"/%4g", kRefused},
        PathCase{"/%%41", kRefused},
        // What splits paths, hidden or not.
        PathCase{"/a%2fb", kRefused}, PathCase{"/a%2Fb", kRefused}, PathCase{"/a%5cb", kRefused},
        PathCase{"/a%5Cb", kRefused}, PathCase{"/a%00", kRefused}, PathCase{"/a\\b", kRefused},
        PathCase{"/a b", kRefused}, PathCase{"/a\tb", kRefused}, PathCase{"/a\x7f", kRefused},
        PathCase{"/\xC3\xA9", kRefused}, PathCase{"/a?b", kRefused}, PathCase{"/a#b", kRefused},
        // Escaped UTF-8 (RFC 3629): whole, shortest, a scalar value.
        PathCase{"/%c3%a9", "/%c3%a9"}, PathCase{"/%e2%82%ac", "/%e2%82%ac"},
        PathCase{"/%f0%9f%98%80", "/%f0%9f%98%80"}, PathCase{"/%c0%ae", kRefused},
        PathCase{"/%c1%9c", kRefused}, PathCase{"/%e0%80%af", kRefused},
        PathCase{"/%f0%80%80%af", kRefused}, PathCase{"/%ed%a0%80", kRefused},
        PathCase{"/%f4%90%80%80", kRefused}, PathCase{"/%ff", kRefused}, PathCase{"/%80", kRefused},
        PathCase{"/%c3", kRefused}, PathCase{"/%c3/a", kRefused}, PathCase{"/%c3a", kRefused},
        PathCase{"/%c3%61", kRefused},
        // No path at all.
        PathCase{"", kRefused}, PathCase{"a", kRefused}, PathCase{"*", kRefused}));

TEST(CanonicalPathTest, SlashesStayWhenAsked) {
  EXPECT_EQ(canonical("//a///b//", false), "//a///b//");
  EXPECT_EQ(canonical("/a//../b", false), "/a/b");
  EXPECT_EQ(canonical("/a//..//..", false), "/a/");
}

TEST(CanonicalPathTest, APathThatIsCanonicalIsNotCopied) {
  Arena arena;
  const std::string_view path = "/jobs/7";
  const auto result = canonical_path(path, true, arena);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->data(), path.data());
  EXPECT_EQ(arena.footprint(), 0U);
}

TEST(AuthorityTest, NamesAddressesAndPorts) {
  const auto check = [](std::string_view text, std::string_view host, std::string_view port) {
    const auto authority = parse_authority(text);
    ASSERT_TRUE(authority) << text;
    EXPECT_TRUE(is_authority(text));
    EXPECT_EQ(authority->host, host);
    EXPECT_EQ(authority->port, port);
  };
  check("example.com", "example.com", "");
  check("Example.com:8443", "Example.com", "8443");
  check("127.0.0.1:5000", "127.0.0.1", "5000");
  check("[::1]", "::1", "");
  check("[2001:db8::1]:443", "2001:db8::1", "443");
  check("my_service", "my_service", "");
}

TEST(AuthorityTest, RefusesEverythingElse) {
  for (const std::string_view text :
       {"",      ":80", "a:",     "a:b",   "a:65536", "a:123456", "a:-1",    "a:80:80", "u@a",
        "u:p@a", "a,b", "a b",    " a",    "a/",      "a?b",      "a#b",     "a\\b",    "a%20",
        "[::1",  "[]",  "[::1]a", "[::g]", "::1",     "a\r\nb",   "\xC3\xA9"}) {
    EXPECT_FALSE(parse_authority(text)) << text;
    EXPECT_FALSE(is_authority(text)) << text;
  }
}

}  // namespace
}  // namespace gateway
