#include "gateway/runtime/folder_watch.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include "tests/support/temporary_folder.h"
#include "tests/unit/runtime/turns.h"

namespace gateway {
namespace {

namespace fs = std::filesystem;

class FolderWatchTest : public testing::Test {
 protected:
  bool told(int calls) {
    return run_until(loop_, [&] { return calls_ >= calls; });
  }
  /// Proves silence by an event behind it: a change in another watched folder.
  void expect_no_call_but_one_for(const std::string& marker) {
    const int before = calls_;
    folder_.write(marker, "now");
    ASSERT_TRUE(told(before + 1));
    EXPECT_EQ(calls_, before + 1);
  }

  EventLoop loop_;
  test::TemporaryFolder folder_;
  int calls_ = 0;
  FolderWatch watch_{loop_, [this] { ++calls_; }};
};

TEST_F(FolderWatchTest, TellsOnceOfManyChanges) {
  watch_.watch({folder_.path()});
  for (int i = 0; i < 50; ++i) folder_.write("file" + std::to_string(i), "text");
  ASSERT_TRUE(told(1));
  expect_no_call_but_one_for("last");
}

TEST_F(FolderWatchTest, SeesAnEditorsRenameOverAFile) {
  const std::string file = folder_.write("gateway.yaml", "old");
  watch_.watch({file});
  folder_.write(".gateway.yaml.swp", "new");
  fs::rename(folder_.path(".gateway.yaml.swp"), file);
  EXPECT_TRUE(told(1));
  folder_.write("gateway.yaml", "in place");
  EXPECT_TRUE(told(2));
}

TEST_F(FolderWatchTest, IgnoresNeighboursOfAFile) {
  const std::string file = folder_.write("gateway.yaml", "old");
  watch_.watch({file});
  folder_.write("other.yaml", "text");
  expect_no_call_but_one_for("gateway.yaml");
}

TEST_F(FolderWatchTest, SeesTheLinkOfAKubernetesVolumeSwapped) {
  folder_.write("..1/gateway.yaml", "old");
  fs::create_directory_symlink("..1", folder_.path("..data"));
  fs::create_symlink("..data/gateway.yaml", folder_.path("gateway.yaml"));
  watch_.watch({folder_.path("gateway.yaml")});
  folder_.write("..2/gateway.yaml", "new");
  fs::create_directory_symlink("..2", folder_.path("..data_tmp"));
  fs::rename(folder_.path("..data_tmp"), folder_.path("..data"));
  EXPECT_TRUE(told(1));
}

TEST_F(FolderWatchTest, FindsAFolderThatIsReplaced) {
  folder_.write("certificates/a", "1");
  watch_.watch({folder_.path("certificates")});
  fs::rename(folder_.path("certificates"), folder_.path("old"));
  folder_.write("certificates/a", "2");
  ASSERT_TRUE(told(1));
  folder_.write("certificates/a", "3");
  EXPECT_TRUE(told(2));
}

TEST_F(FolderWatchTest, WaitsForAFolderThatDoesNotExistYet) {
  watch_.watch({folder_.path("later/gateway.yaml")});
  folder_.write("later/gateway.yaml", "text");
  EXPECT_TRUE(told(1));
}

TEST_F(FolderWatchTest, KnowsAFolderByEverySpelling) {
  const std::string file = folder_.write("all/token", "old");
  folder_.write("all/a.crt", "old");
  // However they sort, each must be asked.
  const std::string before = folder_.path("./all/token");
  const std::string after = folder_.path("all//token");
  for (const std::string& other : {file, before, after}) {
    watch_.watch({other, folder_.path("all") + "/"});
    const int calls = calls_;
    folder_.write("all/a.crt", "new");
    EXPECT_TRUE(told(calls + 1)) << other;
  }
}

TEST_F(FolderWatchTest, KeepsAFolderThatLosesOneOfItsSpellings) {
  folder_.write("all/token", "old");
  watch_.watch({folder_.path("./all/token"), folder_.path("all/token")});
  watch_.watch({folder_.path("all/token")});
  folder_.write("all/other", "new");
  expect_no_call_but_one_for("all/token");
}

TEST_F(FolderWatchTest, ForgetsWhatIsNoLongerWatched) {
  folder_.write("a/file", "1");
  folder_.write("b/file", "1");
  watch_.watch({folder_.path("a"), folder_.path("b")});
  watch_.watch({folder_.path("b")});
  folder_.write("a/file", "2");
  expect_no_call_but_one_for("b/file");
}

TEST(FolderWatchLimits, SaysOnceThatAFolderCannotBeWatched) {
  EventLoop loop;
  test::TemporaryFolder folder;
  std::vector<std::string> problems;
  FolderWatch watch(
      loop, [] {}, [&](const std::string& text) { problems.push_back(text); });
  watch.watch({folder.path("later/gateway.yaml")});
  EXPECT_TRUE(problems.empty()) << "it may come";
  // A link that leads to itself can be watched by nobody, root included.
  fs::create_symlink("round", folder.path("round"));
  for (int i = 0; i < 2; ++i) {
    watch.watch({folder.path("round/a"), folder.path("round/b")});
    watch.watch({});
  }
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_NE(problems[0].find(folder.path("round") + " for changes: "), std::string::npos)
      << problems[0];
}

TEST(FolderWatchLimits, LivesWithoutInotify) {
  EventLoop loop;
  test::TemporaryFolder folder;
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit none = before;
  none.rlim_cur = 0;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  std::vector<std::string> problems;
  FolderWatch watch(
      loop, [] {}, [&](const std::string& text) { problems.push_back(text); });
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  watch.watch({folder.path()});
  EXPECT_EQ(problems.size(), 1U);
}

}  // namespace
}  // namespace gateway
