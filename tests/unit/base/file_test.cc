#include "gateway/base/file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "support/temporary_folder.h"

namespace gateway {
namespace {

mode_t mode_of(const std::string& path) {
  struct stat facts {};
  return ::stat(path.c_str(), &facts) == 0 ? facts.st_mode & 07777U : 0;
}

std::size_t files_in(const std::string& folder) {
  const std::filesystem::directory_iterator files(folder);
  return static_cast<std::size_t>(std::distance(begin(files), end(files)));
}

TEST(ReplaceFile, MakesOneThatOnlyItsOwnerReads) {
  const test::TemporaryFolder folder;
  ASSERT_TRUE(replace_file(folder.path("key"), "secret", {}));
  EXPECT_EQ(read_file(folder.path("key")).value(), "secret");
  EXPECT_EQ(mode_of(folder.path("key")), 0600U);
  EXPECT_EQ(files_in(folder.path()), 1U);
}

TEST(ReplaceFile, GivesANewOneTheModeWhateverTheMaskSays) {
  const test::TemporaryFolder folder;
  const mode_t before = ::umask(0077);
  ASSERT_TRUE(replace_file(folder.path("key"), "secret", {0640, ::getgid()}));
  ::umask(before);
  EXPECT_EQ(mode_of(folder.path("key")), 0640U);
}

TEST(ReplaceFile, HandsOnTheModeOfWhatWasThere) {
  const test::TemporaryFolder folder;
  const std::string path = folder.write("key", "old");
  ASSERT_EQ(::chmod(path.c_str(), 0440), 0);
  ASSERT_TRUE(replace_file(path, "new", {}));
  EXPECT_EQ(read_file(path).value(), "new");
  EXPECT_EQ(mode_of(path), 0440U);
}

TEST(ReplaceFile, IsAnotherFileSoThatReadersKeepTheOldText) {
  const test::TemporaryFolder folder;
  const std::string path = folder.write("key", "old");
  std::filesystem::create_hard_link(path, folder.path("reader"));
  ASSERT_TRUE(replace_file(path, "new", {}));
  EXPECT_EQ(read_file(folder.path("reader")).value(), "old");
}

TEST(ReplaceFile, TakesThePlaceOfWhatAKilledRunLeft) {
  const test::TemporaryFolder folder;
  (void)folder.write(".key.new", "half of a se");
  ASSERT_TRUE(replace_file(folder.path("key"), "secret", {}));
  EXPECT_EQ(files_in(folder.path()), 1U);
}

TEST(ReplaceFile, ChangesNothingWhereItCannot) {
  const test::TemporaryFolder folder;
  (void)folder.write("folder/inside", "");
  const auto in_place_of_a_folder = replace_file(folder.path("folder"), "text", {});
  ASSERT_FALSE(in_place_of_a_folder);
  EXPECT_EQ(files_in(folder.path()), 1U);
  const auto nowhere = replace_file(folder.path("absent/key"), "text", {});
  ASSERT_FALSE(nowhere);
  EXPECT_EQ(nowhere.error().code, ErrorCode::not_found);
}

}  // namespace
}  // namespace gateway
