#include "gateway/runtime/processors.h"

#include <gtest/gtest.h>

#include "tests/support/temporary_folder.h"

namespace gateway {
namespace {

class ProcessorQuotaTest : public testing::Test {
 protected:
  std::optional<double> quota(std::string_view membership) const {
    return processor_quota(membership, folder_.path());
  }
  test::TemporaryFolder folder_;
};

TEST_F(ProcessorQuotaTest, OfVersion2) {
  folder_.write("pod/box/cpu.max", "150000 100000\n");
  EXPECT_EQ(quota("0::/pod/box\n"), 1.5);
}

TEST_F(ProcessorQuotaTest, TheTightestOnTheWayUpHolds) {
  folder_.write("pod/cpu.max", "50000 100000\n");
  folder_.write("pod/box/cpu.max", "400000 100000\n");
  EXPECT_EQ(quota("0::/pod/box\n"), 0.5);
}

TEST_F(ProcessorQuotaTest, MaxIsNoLimit) {
  folder_.write("cpu.max", "max 100000\n");
  EXPECT_FALSE(quota("0::/\n"));
}

TEST_F(ProcessorQuotaTest, OfVersion1) {
  folder_.write("cpu,cpuacct/box/cpu.cfs_quota_us", "200000\n");
  folder_.write("cpu,cpuacct/box/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(quota("5:memory:/box\n3:cpu,cpuacct:/box\n"), 2.0);
}

TEST_F(ProcessorQuotaTest, OfVersion1WithoutLimit) {
  folder_.write("cpu/cpu.cfs_quota_us", "-1\n");
  folder_.write("cpu/cpu.cfs_period_us", "100000\n");
  EXPECT_FALSE(quota("3:cpu:/\n"));
}

TEST_F(ProcessorQuotaTest, APathThatIsNotMountedFallsBackToTheRoot) {
  folder_.write("cpu/cpu.cfs_quota_us", "100000\n");
  folder_.write("cpu/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(quota("3:cpu:/docker/0123\n"), 1.0);
}

TEST_F(ProcessorQuotaTest, NonsenseIsNoLimit) {
  EXPECT_FALSE(quota(""));
  EXPECT_FALSE(quota("nonsense\n::\n"));
}

TEST(ProcessorsTest, ThereIsAtLeastOne) {
  EXPECT_GE(usable_processors(), 1U);
  EXPECT_GE(allowed_processors().size(), usable_processors());
}

}  // namespace
}  // namespace gateway
