#include "gateway/metrics/cells.h"

#include <gtest/gtest.h>

#include <thread>

namespace gateway {
namespace {

using namespace std::chrono_literals;

TEST(Histogram, EveryBoundIsInclusiveAndTheNextNanosecondIsNot) {
  for (std::size_t i = 0; i + 1 < Histogram::kBuckets; ++i) {
    EXPECT_EQ(Histogram::bucket_of(Histogram::kBounds[i]), i);
    EXPECT_EQ(Histogram::bucket_of(Histogram::kBounds[i] + 1), i + 1);
  }
  EXPECT_EQ(Histogram::bucket_of(0), 0u);
  EXPECT_EQ(Histogram::bucket_of(UINT64_MAX), Histogram::kBuckets - 1);
}

TEST(Histogram, AgreesWithALinearSearch) {
  for (std::uint64_t value = 1; value < 200'000'000'000; value = value * 9 / 8 + 1) {
    std::size_t expected = 0;
    while (Histogram::kBounds[expected] < value) ++expected;
    ASSERT_EQ(Histogram::bucket_of(value), expected) << value;
  }
}

TEST(Histogram, CountsAndSums) {
  Histogram histogram;
  histogram.observe(80us);
  histogram.observe(2ms);
  histogram.observe(-1ns);  // a clock that was read in the wrong order
  EXPECT_EQ(histogram.count(), 3u);
  EXPECT_EQ(histogram.sum_nanoseconds(), 2'080'000u);
  EXPECT_EQ(histogram.count_in(0), 1u);
  EXPECT_EQ(histogram.count_in(1), 1u);
}

TEST(ResponseClasses, StatusOutsideHttpCountsAsNoAnswer) {
  ResponseClasses classes;
  for (const int status : {0, 99, 100, 200, 204, 302, 404, 599, 600, -1}) classes.add(status);
  const std::array<std::uint64_t, 6> expected = {4, 1, 2, 1, 1, 1};
  for (std::size_t i = 0; i < expected.size(); ++i)
    EXPECT_EQ(classes.by_class[i].value(), expected[i]) << i;
}

TEST(RouteCells, MergeAddsEverything) {
  RouteCells one;
  RouteCells two;
  const Instant now = Instant(100s);
  for (RouteCells* cells : {&one, &two, &two}) {
    cells->begin();
    cells->arrived(now);
    cells->finish(503, 3ms, 10, 20);
  }
  two.begin();
  RouteCells total;
  total.merge(one);
  total.merge(two);
  EXPECT_EQ(total.responses.by_class[5].value(), 3u);
  EXPECT_EQ(total.in_flight.value(), 1);
  EXPECT_EQ(total.bytes_in.value(), 30u);
  EXPECT_EQ(total.bytes_out.value(), 60u);
  EXPECT_EQ(total.latency.count(), 3u);
  RateHistory history{};
  total.arrivals.read_into(history, now + 1s);
  EXPECT_EQ(history[0], 3u);
}

TEST(RateRing, RunningSecondIsLeftOut) {
  RateRing ring;
  ring.add(Instant(50s));
  RateHistory history{};
  ring.read_into(history, Instant(50s + 999ms));
  EXPECT_EQ(history, RateHistory{});
  ring.read_into(history, Instant(51s));
  EXPECT_EQ(history[0], 1u);
}

TEST(RateRing, RemembersAMinuteAndForgetsWhatIsOlder) {
  RateRing ring;
  for (int second = 1000; second < 1200; ++second)
    for (int i = 0; i < second % 7; ++i) ring.add(Instant(std::chrono::seconds(second)));
  RateHistory history{};
  ring.read_into(history, Instant(1200s));
  for (int age = 0; age < 60; ++age) EXPECT_EQ(history[age], (1199 - age) % 7) << age;
  RateHistory later{};
  ring.read_into(later, Instant(1259s));
  EXPECT_EQ(later[59], 1199u % 7);
  RateHistory gone{};
  ring.read_into(gone, Instant(1260s));
  EXPECT_EQ(gone, RateHistory{});
}

TEST(RateRing, MergePrefersTheNewerSecondOfABucket) {
  RateRing older;
  RateRing newer;
  older.add(Instant(100s));
  newer.add(Instant(164s));
  for (int order = 0; order < 2; ++order) {
    RateRing total;
    total.merge(order == 0 ? older : newer);
    total.merge(order == 0 ? newer : older);
    RateHistory history{};
    total.read_into(history, Instant(165s));
    EXPECT_EQ(history[0], 1u);
  }
}

TEST(Cells, AReaderOnAnotherThreadSeesNumbersThatOnlyGrow) {
  RouteCells cells;
  std::atomic<bool> done{false};
  std::thread writer([&] {
    for (int i = 0; i < 20'000; ++i) {
      cells.begin();
      cells.arrived(Instant(std::chrono::seconds(i / 1000)));
      cells.finish(200, 1ms, 1, 1);
    }
    done = true;
  });
  std::uint64_t last = 0;
  while (!done) {
    RouteCells total;
    total.merge(cells);
    ASSERT_GE(total.responses.total(), last);
    last = total.responses.total();
  }
  writer.join();
  EXPECT_EQ(cells.responses.by_class[2].value(), 20'000u);
}

}  // namespace
}  // namespace gateway
