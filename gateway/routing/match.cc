#include "gateway/routing/match.h"

#include <algorithm>

#include "gateway/http/fields.h"
#include "gateway/routing/query.h"

namespace gateway::routing {
namespace {

bool value_meets(std::string_view value, const Condition& condition) {
  switch (condition.kind) {
    case Condition::Kind::present: return true;
    case Condition::Kind::equal: return value == condition.value;
    case Condition::Kind::regex: return matches_whole(*condition.regex, value);
  }
  return false;
}

bool same_name(const http::Header& field, const Condition& condition) {
  if (condition.id != http::HeaderId::other) return field.id == condition.id;
  return field.id == http::HeaderId::other &&
         http::equals_ignoring_case(field.name, condition.name);
}

// Exact, then regex, then prefix.
int rank(config::PathMatch kind) {
  switch (kind) {
    case config::PathMatch::exact: return 0;
    case config::PathMatch::regex: return 1;
    case config::PathMatch::prefix: return 2;
  }
  return 3;
}

int sign_of_more(std::size_t first, std::size_t second) {
  return first == second ? 0 : first > second ? -1 : 1;
}

}  // namespace

bool header_meets(const http::HeaderList& headers, const Condition& condition) {
  if (condition.id != http::HeaderId::other && !headers.has(condition.id)) return false;
  return std::any_of(headers.begin(), headers.end(), [&](const http::Header& field) {
    return same_name(field, condition) && value_meets(field.value, condition);
  });
}

bool query_meets(std::string_view query, const Condition& condition) {
  char buffer[kLongestParameter];
  bool met = false;
  any_parameter(query, [&](std::string_view name, std::string_view value) {
    const auto plain_name = decode_parameter(name, buffer);
    if (!plain_name || *plain_name != condition.name) return false;
    const auto plain_value = decode_parameter(value, buffer);
    met = plain_value && value_meets(*plain_value, condition);
    return true;
  });
  return met;
}

bool meets(const http::RequestHead& request, const Match& match) {
  for (const Condition& condition : match.headers) {
    if (!header_meets(request.headers, condition)) return false;
  }
  for (const Condition& condition : match.query) {
    if (!query_meets(request.query, condition)) return false;
  }
  return match.regex == nullptr || matches_whole(*match.regex, request.path);
}

bool path_fits(std::string_view path, const Match& match) {
  switch (match.kind) {
    case config::PathMatch::exact: return path == match.path;
    case config::PathMatch::regex: return matches_whole(*match.regex, path);
    case config::PathMatch::prefix:
      return path.starts_with(match.path) &&
             (path.size() == match.path.size() || path[match.path.size()] == '/');
  }
  return false;
}

Precedence compare(const Match& first, const Match& second) {
  if (first.kind != second.kind) return {rank(first.kind) - rank(second.kind), Rule::path_kind};
  if (int sign = sign_of_more(first.path.size(), second.path.size())) {
    return {sign, Rule::path_length};
  }
  const bool first_by_method = first.methods != Match::kAllMethods;
  const bool second_by_method = second.methods != Match::kAllMethods;
  if (int sign = sign_of_more(first_by_method, second_by_method)) return {sign, Rule::method};
  if (int sign = sign_of_more(first.headers.size(), second.headers.size())) {
    return {sign, Rule::headers};
  }
  if (int sign = sign_of_more(first.query.size(), second.query.size())) return {sign, Rule::query};
  return {0, Rule::order};
}

}  // namespace gateway::routing
