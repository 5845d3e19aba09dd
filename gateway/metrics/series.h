#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/base/clock.h"

namespace gateway {

/// The name past which no new series are made: all further names count here. No route or upstream
/// can be called that: names of a configuration begin with a letter or digit.
inline constexpr std::string_view kOverflowSeries = "_other";
/// How long a series stays after its last holder let go, so that a scraper sees its last numbers.
inline constexpr Duration kSeriesKept = std::chrono::minutes(5);

/// All series of one kind: for each name (and part, such as an endpoint of an upstream) one group
/// of cells per shard that asked for it. `bind` is for any thread; the rest is the control
/// thread's.
template <typename Cells>
class SeriesSet {
 public:
  SeriesSet(std::size_t shards, std::size_t most) : shards_(shards), most_(most) {}

  std::shared_ptr<Cells> bind(std::size_t shard, std::string_view name,
                              std::string_view part = {}) {
    const std::lock_guard lock(mutex_);
    std::shared_ptr<Series> series = find_or_make(name, part);
    Cells* cells = series->cells[shard].load(std::memory_order_relaxed);
    if (cells == nullptr) {
      cells = new Cells;
      series->cells[shard].store(cells, std::memory_order_release);
    }
    return {std::move(series), cells};
  }

  /// Keeps a series there although nobody counts in it yet, so that idle is zero and not unknown.
  std::shared_ptr<const void> hold(std::string_view name, std::string_view part = {}) {
    const std::lock_guard lock(mutex_);
    return find_or_make(name, part);
  }

  /// Calls `visit(name, part, total)` for each series in order of name. `total` is the sum over the
  /// shards.
  template <typename Visit>
  void for_each(Visit visit) const {
    for (const Series* series : list()) {
      Cells total;
      for (std::size_t i = 0; i < shards_; ++i) {
        const Cells* cells = series->cells[i].load(std::memory_order_acquire);
        if (cells != nullptr) total.merge(*cells);
      }
      visit(std::string_view(series->name), std::string_view(series->part),
            static_cast<const Cells&>(total));
    }
  }

  /// As for_each, but `visit(name, part, groups)` gets the groups themselves, one per shard that
  /// has one: for a reader that wants little of each and wants it often.
  template <typename Visit>
  void for_each_group(Visit visit) const {
    std::vector<const Cells*> groups;
    for (const Series* series : list()) {
      groups.clear();
      for (const std::atomic<Cells*>& each : series->cells)
        if (const Cells* cells = each.load(std::memory_order_acquire)) groups.push_back(cells);
      visit(std::string_view(series->name), std::string_view(series->part),
            std::span<const Cells* const>(groups));
    }
  }

  /// Calls `visit(cells)` for each group of one series; false when there is no such series.
  template <typename Visit>
  bool read(std::string_view name, std::string_view part, Visit visit) const {
    std::shared_ptr<const Series> series;
    {
      const std::lock_guard lock(mutex_);
      const auto found = series_.find({name, part});
      if (found == series_.end()) return false;
      series = found->second;
    }
    for (const std::atomic<Cells*>& each : series->cells)
      if (const Cells* cells = each.load(std::memory_order_acquire)) visit(*cells);
    return true;
  }

  std::size_t size() const {
    const std::lock_guard lock(mutex_);
    return series_.size();
  }

  void forget_unheld(Instant now) {
    const std::lock_guard lock(mutex_);
    for (auto at = series_.begin(); at != series_.end();) {
      Series& series = *at->second;
      // Only bind() makes holders out of the last reference, and it waits for this lock.
      const bool held = at->second.use_count() > 1;
      if (held) {
        series.unheld_since = Instant::max();
      } else if (series.unheld_since == Instant::max()) {
        series.unheld_since = now;
      }
      at = !held && now - series.unheld_since >= kSeriesKept ? series_.erase(at) : std::next(at);
    }
  }

 private:
  struct Series {
    Series(std::string_view series_name, std::string_view series_part, std::size_t shards)
        : name(series_name), part(series_part), cells(shards) {}
    ~Series() {
      for (std::atomic<Cells*>& each : cells) delete each.load(std::memory_order_acquire);
    }
    const std::string name;
    const std::string part;
    std::vector<std::atomic<Cells*>> cells;
    Instant unheld_since = Instant::max();
  };

  std::shared_ptr<Series> find_or_make(std::string_view name, std::string_view part) {
    const auto found = series_.find({name, part});
    if (found != series_.end()) return found->second;
    if (series_.size() >= most_ && name != kOverflowSeries)
      return find_or_make(kOverflowSeries, {});
    auto series = std::make_shared<Series>(name, part, shards_);
    series_.emplace(std::pair<std::string_view, std::string_view>(series->name, series->part),
                    series);
    return series;
  }

  std::vector<const Series*> list() const {
    const std::lock_guard lock(mutex_);
    std::vector<const Series*> all;
    all.reserve(series_.size());
    for (const auto& [key, series] : series_) all.push_back(series.get());
    return all;
  }

  const std::size_t shards_;
  const std::size_t most_;
  mutable std::mutex mutex_;
  /// By name and part, which are the series' own.
  std::map<std::pair<std::string_view, std::string_view>, std::shared_ptr<Series>> series_;
};

}  // namespace gateway
