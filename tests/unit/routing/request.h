#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "gateway/base/arena.h"
#include "gateway/http/message.h"

namespace gateway::routing::test {

/// A request from "POST a.example/jobs?x=1" and "name: value" lines, as a codec would hand it over.
class Request {
 public:
  explicit Request(std::string_view line, std::initializer_list<std::string_view> fields = {}) {
    line = arena_.copy(line);
    const auto space = line.find(' ');
    head_.method = method_of(line.substr(0, space));
    line.remove_prefix(space + 1);
    const auto slash = line.find('/');
    head_.host = line.substr(0, slash);
    head_.target = line.substr(slash);
    const auto mark = head_.target.find('?');
    head_.path = head_.target.substr(0, mark);
    head_.has_query = mark != std::string_view::npos;
    if (head_.has_query) head_.query = head_.target.substr(mark + 1);
    for (const std::string_view field : fields) add(field);
  }

  void add(std::string_view field) {
    field = arena_.copy(field);
    const auto colon = field.find(": ");
    head_.headers.add(arena_, field.substr(0, colon), field.substr(colon + 2));
  }

  http::RequestHead& head() { return head_; }
  Arena& arena() { return arena_; }

 private:
  static http::Method method_of(std::string_view name) {
    for (int i = 0; i <= static_cast<int>(http::Method::patch); ++i) {
      if (http::to_string(static_cast<http::Method>(i)) == name)
        return static_cast<http::Method>(i);
    }
    return http::Method::get;
  }

  Arena arena_;
  http::RequestHead head_;
};

}  // namespace gateway::routing::test
