#pragma once

#include <algorithm>
#include <compare>
#include <cstddef>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace gateway::config {

/// A list whose elements never change, so that copies share them, and all of the list until one of
/// them is added to: of ten thousand routes a change copies pointers at most. Reads as a
/// std::vector<const T> does. Elements that are one object are equal without being looked at. One
/// thread makes a list; any number may read it.
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

  std::size_t size() const { return all().size(); }
  bool empty() const { return all().empty(); }
  const T& operator[](std::size_t at) const { return *all()[at]; }
  const T& at(std::size_t at) const { return *all().at(at); }
  const T& front() const { return *all().front(); }
  const T& back() const { return *all().back(); }
  Iterator begin() const { return Iterator(all().data()); }
  Iterator end() const { return Iterator(all().data() + all().size()); }

  /// For whoever keeps an element itself, or puts it in another list.
  const Element& share(std::size_t at) const { return all()[at]; }

  void push_back(T item) { push_back(std::make_shared<const T>(std::move(item))); }
  void push_back(Element element) { own().push_back(std::move(element)); }
  void append(const SharedList& other) {
    if (elements_)
      append(std::span(other.all()));
    else
      elements_ = other.elements_;
  }
  void append(std::span<const Element> more) {
    Elements& mine = own();
    mine.insert(mine.end(), more.begin(), more.end());
  }
  void reserve(std::size_t size) { own().reserve(size); }
  void clear() { elements_.reset(); }

  friend bool operator==(const SharedList& a, const SharedList& b) {
    if (a.elements_ == b.elements_) return true;
    const Elements& x = a.all();
    const Elements& y = b.all();
    return std::equal(x.begin(), x.end(), y.begin(), y.end(),
                      [](const auto& one, const auto& two) { return one == two || *one == *two; });
  }

 private:
  using Elements = std::vector<Element>;

  const Elements& all() const {
    static const Elements none;
    return elements_ ? *elements_ : none;
  }
  Elements& own() {
    if (!elements_)
      elements_ = std::make_shared<Elements>();
    else if (elements_.use_count() > 1)
      elements_ = std::make_shared<Elements>(*elements_);
    return *elements_;
  }

  std::shared_ptr<Elements> elements_;  ///< null: none
};

}  // namespace gateway::config
