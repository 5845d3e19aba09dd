#pragma once

namespace gateway {

/// A member function bound to an object: two words, no allocation, unlike std::function. The object
/// must outlive whoever calls.
template <typename... Args>
class Callback {
 public:
  Callback() = default;

  template <auto Method, typename T>
  static Callback bind(T* object) {
    Callback callback;
    callback.object_ = object;
    callback.function_ = [](void* self, Args... args) {
      (static_cast<T*>(self)->*Method)(static_cast<Args>(args)...);
    };
    return callback;
  }

  explicit operator bool() const { return function_ != nullptr; }
  void operator()(Args... args) const { function_(object_, static_cast<Args>(args)...); }

 private:
  void* object_ = nullptr;
  void (*function_)(void*, Args...) = nullptr;
};

}  // namespace gateway
