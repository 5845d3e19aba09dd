#include "gateway/runtime/folder_watch.h"

#include <gtest/gtest.h>

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
  TemporaryFolder folder_;
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

TEST_F(FolderWatchTest, ForgetsWhatIsNoLongerWatched) {
  folder_.write("a/file", "1");
  folder_.write("b/file", "1");
  watch_.watch({folder_.path("a"), folder_.path("b")});
  watch_.watch({folder_.path("b")});
  folder_.write("a/file", "2");
  expect_no_call_but_one_for("b/file");
}

}  // namespace
}  // namespace gateway
