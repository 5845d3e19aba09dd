#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/kubernetes/store.h"
#include "gateway/kubernetes/watch.h"

namespace gateway::kubernetes {

/// Part of the objects of a kind: those of one namespace, or one of them; everything when empty.
struct Scope {
  std::string namespace_ = {};
  std::string name = {};

  bool holds(const ObjectName& object) const {
    return (namespace_.empty() || namespace_ == object.namespace_) &&
           (name.empty() || name == object.name);
  }
};

/// The collection of that part: `prefix` is the API's group and version ("/api/v1"), `plural` the
/// kind's name in paths.
Collection collection_of(std::string_view prefix, std::string_view plural, const Scope& scope);

/// Keeps one kind of a Store equal to a part of the API server's collection. An object that cannot
/// be read stays as it was, and is told of. One thread.
template <typename T>
class TableWatch final : private WatchSink {
 public:
  /// What hears of it: `changed` after each event that reached the store, `unreadable` with a
  /// sentence.
  struct Hooks {
    std::function<void()> changed;
    std::function<void(const Error&)> unreadable;
    /// Each object as JSON before it is read; may be empty.
    std::function<void(std::string_view object)> seen = {};
    /// Whether an object of the scope is of this collection: a list leaves others alone, which come
    /// from elsewhere. Empty: all are.
    std::function<bool(const T& object)> owns = {};
  };

  /// All outlive it.
  TableWatch(TimerWheel& timers, Random& random, Api& api, Collection collection, Scope scope,
             Store& store, Hooks hooks)
      : store_(store),
        scope_(std::move(scope)),
        hooks_(std::move(hooks)),
        watch_(timers, random, api, std::move(collection), *this) {}

  Watch& watch() { return watch_; }

  /// Takes an object of the scope out of the store; not even what is new of it gets there until
  /// take_back(). `changed` is not called.
  void pass_over(const ObjectName& name) {
    if (!scope_.holds(name)) return;
    store_.erase<T>(name);
    passed_over_.insert(name);
  }
  /// True when it was passed over, and exists as far as is known. What there is of it is not read
  /// again: whoever needs it now asks for it himself, later changes come by themselves.
  bool take_back(const ObjectName& name) { return passed_over_.erase(name) != 0; }

 private:
  void on_replace(const std::vector<WatchedObject>& objects) override {
    std::vector<T> parsed;
    parsed.reserve(objects.size());
    std::set<ObjectName> passed_over;
    for (const WatchedObject& each : objects) {
      if (auto known = passed_over_.extract(name_of(each)); !known.empty()) {
        passed_over.insert(std::move(known));
        continue;
      }
      if (auto object = read(each))
        parsed.push_back(std::move(*object));
      else if (const T* known = store_.find<T>(name_of(each)))
        parsed.push_back(*known);
    }
    passed_over_ = std::move(passed_over);
    if (scope_.namespace_.empty() && !hooks_.owns)
      store_.replace<T>(std::move(parsed));
    else
      replace_scope(std::move(parsed));
    hooks_.changed();
  }

  void on_upsert(const WatchedObject& watched) override {
    if (!passed_over_.empty() && passed_over_.contains(name_of(watched))) return;
    auto object = read(watched);
    if (!object) return;
    store_.upsert<T>(std::move(*object));
    hooks_.changed();
  }

  void on_delete(const WatchedObject& object) override {
    if (take_back(name_of(object))) return;
    store_.erase<T>(name_of(object));
    hooks_.changed();
  }

  void replace_scope(std::vector<T> objects) {
    std::set<ObjectName> gone;
    for (const auto& [name, object] : store_.table<T>().all())
      if (scope_.holds(name) && (!hooks_.owns || hooks_.owns(*object))) gone.insert(name);
    for (T& object : objects) {
      gone.erase(object.meta.object_name());
      store_.upsert<T>(std::move(object));
    }
    for (const ObjectName& name : gone) store_.erase<T>(name);
  }

  static ObjectName name_of(const WatchedObject& object) {
    return {std::string(object.namespace_), std::string(object.name)};
  }

  Result<T> read(const WatchedObject& watched) {
    if (hooks_.seen) hooks_.seen(watched.json);
    auto object = T::parse(watched.json);
    if (!object) {
      Error error = object.error();
      error.detail = name_of(watched).to_string() + ": " + error.detail;
      hooks_.unreadable(error);
    }
    return object;
  }

  Store& store_;
  const Scope scope_;
  const Hooks hooks_;
  std::set<ObjectName> passed_over_;
  Watch watch_;
};

}  // namespace gateway::kubernetes
