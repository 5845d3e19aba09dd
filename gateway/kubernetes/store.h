#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "gateway/kubernetes/objects.h"

namespace gateway::kubernetes {

/// The objects of one kind by name. An object that is put in again with equal content stays the
/// same object, so that whatever was made from it is known by its address to be good still.
template <typename T>
class ObjectTable {
 public:
  using Map = std::map<ObjectName, std::shared_ptr<const T>>;

  /// Null when there is none.
  const T* find(const ObjectName& name) const {
    const auto found = objects_.find(name);
    return found == objects_.end() ? nullptr : found->second.get();
  }
  std::shared_ptr<const T> share(const ObjectName& name) const {
    const auto found = objects_.find(name);
    return found == objects_.end() ? nullptr : found->second;
  }
  const Map& all() const { return objects_; }

  /// True when that was news.
  bool put(T object) {
    auto& slot = objects_[object.meta.object_name()];
    if (slot && *slot == object) return false;
    slot = std::make_shared<const T>(std::move(object));
    return true;
  }
  bool erase(const ObjectName& name) { return objects_.erase(name) != 0; }
  /// What is not among `objects` goes.
  bool replace(std::vector<T> objects) {
    Map before = std::move(objects_);
    objects_.clear();
    bool changed = objects.size() != before.size();
    for (T& object : objects) {
      const ObjectName name = object.meta.object_name();
      const auto known = before.find(name);
      const bool same = known != before.end() && *known->second == object;
      changed = changed || !same;
      objects_[name] = same ? known->second : std::make_shared<const T>(std::move(object));
    }
    return changed;
  }

 private:
  Map objects_;
};

/// The cache that a model is made from. One thread.
class Store {
 public:
  template <typename T>
  const ObjectTable<T>& table() const {
    return std::get<ObjectTable<T>>(tables_);
  }
  template <typename T>
  const T* find(const ObjectName& name) const {
    return table<T>().find(name);
  }
  template <typename T>
  std::shared_ptr<const T> share(const ObjectName& name) const {
    return table<T>().share(name);
  }

  /// A new or changed object. The versions rise only when something changed that we read.
  template <typename T>
  void upsert(T object) {
    count<T>(own<T>().put(std::move(object)));
  }
  template <typename T>
  void erase(const ObjectName& name) {
    count<T>(own<T>().erase(name));
  }
  /// The outcome of a full list replaces all that was known of its kind.
  template <typename T>
  void replace(std::vector<T> objects) {
    count<T>(own<T>().replace(std::move(objects)));
  }

  /// Rises with each change that may change the model.
  std::uint64_t model_version() const { return model_version_; }
  /// Rises with each change of an EndpointSlice: alone, it changes endpoint sets and no more.
  std::uint64_t endpoints_version() const { return endpoints_version_; }

 private:
  template <typename T>
  ObjectTable<T>& own() {
    return std::get<ObjectTable<T>>(tables_);
  }
  template <typename T>
  void count(bool changed) {
    if (!changed) return;
    ++(std::is_same_v<T, EndpointSlice> ? endpoints_version_ : model_version_);
  }

  std::tuple<ObjectTable<Ingress>, ObjectTable<IngressClass>, ObjectTable<Service>,
             ObjectTable<EndpointSlice>, ObjectTable<Secret>, ObjectTable<ConfigMap>>
      tables_;
  std::uint64_t model_version_ = 0;
  std::uint64_t endpoints_version_ = 0;
};

}  // namespace gateway::kubernetes
