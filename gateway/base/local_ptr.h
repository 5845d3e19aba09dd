#pragma once

#include <cstdint>
#include <utility>

namespace gateway {

/// Counts references without atomics: for objects that one worker owns and several of its exchanges
/// pin. Never crosses threads. Dies with the last LocalPtr.
class LocalCounted {
 public:
  LocalCounted(const LocalCounted&) = delete;
  LocalCounted& operator=(const LocalCounted&) = delete;

 protected:
  LocalCounted() = default;
  virtual ~LocalCounted() = default;

 private:
  template <typename T>
  friend class LocalPtr;
  std::uint32_t references_ = 0;
};

template <typename T>
class LocalPtr {
 public:
  LocalPtr() = default;
  explicit LocalPtr(T* object) : object_(object) { retain(); }
  LocalPtr(const LocalPtr& other) : object_(other.object_) { retain(); }
  LocalPtr(LocalPtr&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  LocalPtr& operator=(LocalPtr other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~LocalPtr() {
    if (object_ == nullptr) return;
    LocalCounted* counted = object_;
    if (--counted->references_ == 0) delete counted;
  }

  T* operator->() const { return object_; }
  T& operator*() const { return *object_; }
  T* pointer() const { return object_; }
  explicit operator bool() const { return object_ != nullptr; }
  bool operator==(const LocalPtr&) const = default;

 private:
  void retain() {
    if (object_ != nullptr) ++static_cast<LocalCounted*>(object_)->references_;
  }
  T* object_ = nullptr;
};

template <typename T, typename... Args>
LocalPtr<T> make_local(Args&&... args) {
  return LocalPtr<T>(new T(std::forward<Args>(args)...));
}

}  // namespace gateway
