#pragma once

#include <cstddef>

#include "gateway/base/check.h"

namespace gateway {

/// A link that lives inside the listed object and takes itself out of its list when it dies, so no
/// list can hold a dead object. `Tag` lets one object stand in several lists. Not thread-safe.
template <typename Tag = void>
class ListHook {
 public:
  ListHook() = default;
  ListHook(const ListHook&) = delete;
  ListHook& operator=(const ListHook&) = delete;
  ~ListHook() { unlink(); }

  bool linked() const { return next_ != nullptr; }

  /// Idempotent.
  void unlink() {
    if (next_ == nullptr) return;
    prev_->next_ = next_;
    next_->prev_ = prev_;
    next_ = prev_ = nullptr;
  }

 private:
  template <typename T, typename U>
  friend class IntrusiveList;

  ListHook* prev_ = nullptr;
  ListHook* next_ = nullptr;
};

/// A doubly linked ring of objects that derive from ListHook<Tag>. Owns nothing: when the list dies
/// its members are merely unlinked. An object may be unlinked by anybody, also while the list is
/// walked by `pop_front`. Not thread-safe.
template <typename T, typename Tag = void>
class IntrusiveList {
 public:
  IntrusiveList() { root_.prev_ = root_.next_ = &root_; }
  IntrusiveList(const IntrusiveList&) = delete;
  IntrusiveList& operator=(const IntrusiveList&) = delete;
  ~IntrusiveList() {
    clear();
    root_.next_ = root_.prev_ = nullptr;
  }

  bool empty() const { return root_.next_ == &root_; }

  void push_back(T& object) { insert(*root_.prev_, object); }
  void push_front(T& object) { insert(root_, object); }

  /// First or last member; null when empty.
  T* front() const { return empty() ? nullptr : from(root_.next_); }
  T* back() const { return empty() ? nullptr : from(root_.prev_); }

  T* pop_front() {
    T* object = front();
    if (object != nullptr) static_cast<ListHook<Tag>*>(object)->unlink();
    return object;
  }

  /// The member after `object`; null at the end.
  T* next(const T& object) const {
    const ListHook<Tag>& hook = object;
    return hook.next_ == &root_ ? nullptr : from(hook.next_);
  }

  void clear() {
    while (!empty()) root_.next_->unlink();
  }

  /// Moves all members of `other` to the end of this list.
  void take(IntrusiveList& other) {
    while (T* object = other.pop_front()) push_back(*object);
  }

 private:
  static T* from(ListHook<Tag>* hook) { return static_cast<T*>(hook); }

  static void insert(ListHook<Tag>& after, ListHook<Tag>& hook) {
    GATEWAY_CHECK(!hook.linked());
    hook.prev_ = &after;
    hook.next_ = after.next_;
    after.next_->prev_ = &hook;
    after.next_ = &hook;
  }

  ListHook<Tag> root_;
};

}  // namespace gateway
