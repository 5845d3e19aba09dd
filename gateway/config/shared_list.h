#pragma once

#include <compare>
#include <cstddef>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <utility>
#include <vector>

namespace gateway::config {

/// A list whose elements never change, so that copies of the list share them: of ten thousand
/// routes a change copies pointers. Reads as a std::vector<const T> does. Elements that are one
/// object are equal without being looked at.
template <typename T>
class SharedList {
 public:
  using Element = std::shared_ptr<const T>;
  using value_type = T;
  using const_reference = const T&;
  using size_type = std::size_t;

  class Iterator {
   public:
    using iterator_category = std::random_access_iterator_tag;
    using value_type = T;
    using difference_type = std::ptrdiff_t;
    using pointer = const T*;
    using reference = const T&;

    Iterator() = default;
    explicit Iterator(const Element* at) : at_(at) {}
    reference operator*() const { return **at_; }
    pointer operator->() const { return at_->get(); }
    reference operator[](difference_type by) const { return *at_[by]; }
    Iterator& operator++() { return *this += 1; }
    Iterator& operator--() { return *this -= 1; }
    Iterator operator++(int) { return Iterator(at_++); }
    Iterator operator--(int) { return Iterator(at_--); }
    Iterator& operator+=(difference_type by) {
      at_ += by;
      return *this;
    }
    Iterator& operator-=(difference_type by) {
      at_ -= by;
      return *this;
    }
    friend Iterator operator+(Iterator it, difference_type by) { return it += by; }
    friend Iterator operator+(difference_type by, Iterator it) { return it += by; }
    friend Iterator operator-(Iterator it, difference_type by) { return it -= by; }
    friend difference_type operator-(Iterator a, Iterator b) { return a.at_ - b.at_; }
    auto operator<=>(const Iterator&) const = default;

   private:
    const Element* at_ = nullptr;
  };
  using iterator = Iterator;
  using const_iterator = Iterator;

  SharedList() = default;
  SharedList(std::initializer_list<T> items) {
    for (const T& item : items) push_back(item);
  }
  SharedList(const std::vector<T>& items) {  // NOLINT: a list is a list
    for (const T& item : items) push_back(item);
  }

  std::size_t size() const { return elements_.size(); }
  bool empty() const { return elements_.empty(); }
  const T& operator[](std::size_t at) const { return *elements_[at]; }
  const T& at(std::size_t at) const { return *elements_.at(at); }
  const T& front() const { return *elements_.front(); }
  const T& back() const { return *elements_.back(); }
  Iterator begin() const { return Iterator(elements_.data()); }
  Iterator end() const { return Iterator(elements_.data() + elements_.size()); }

  /// For whoever keeps an element itself, or puts it in another list.
  const Element& share(std::size_t at) const { return elements_[at]; }

  void push_back(T item) { push_back(std::make_shared<const T>(std::move(item))); }
  void push_back(Element element) { elements_.push_back(std::move(element)); }
  void append(const SharedList& other) {
    elements_.insert(elements_.end(), other.elements_.begin(), other.elements_.end());
  }
  void reserve(std::size_t size) { elements_.reserve(size); }
  void clear() { elements_.clear(); }

  friend bool operator==(const SharedList& a, const SharedList& b) {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i)
      if (a.elements_[i] != b.elements_[i] && !(a[i] == b[i])) return false;
    return true;
  }

 private:
  std::vector<Element> elements_;
};

}  // namespace gateway::config
