#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/kubernetes/watch.h"

namespace gateway::kubernetes {

/// Follows one object. One thread.
class ObjectWatch final : private WatchSink {
 public:
  /// Gets the object's JSON as it is now; empty: there is none. Must not destroy the watch.
  using Changed = std::function<void(std::string_view object)>;

  /// `collection` selects one object at most. All outlive it.
  ObjectWatch(TimerWheel& timers, Random& random, Api& api, Collection collection, Changed changed)
      : changed_(std::move(changed)), watch_(timers, random, api, std::move(collection), *this) {}

  void start() { watch_.start(); }
  bool synced() const { return watch_.synced(); }
  const std::string& problem() const { return watch_.problem(); }

 private:
  void on_replace(const std::vector<WatchedObject>& objects) override {
    changed_(objects.empty() ? std::string_view() : objects.front().json);
  }
  void on_upsert(const WatchedObject& object) override { changed_(object.json); }
  void on_delete(const WatchedObject& /*object*/) override { changed_({}); }

  const Changed changed_;
  Watch watch_;
};

}  // namespace gateway::kubernetes
