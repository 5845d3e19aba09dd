#include <array>

#include "gateway/config/tables.h"

namespace gateway::config {
namespace {

// Those that are served: CONNECT never is, and others are answered 501.
constexpr std::string_view kMethods[] = {"GET",    "HEAD",    "POST",  "PUT",
                                         "DELETE", "OPTIONS", "TRACE", "PATCH"};
constexpr std::string_view kRedirectStatuses[] = {"301", "302", "303", "307", "308"};

// Three keys for one member: which of them was written says how the path is matched.
template <PathMatch kKind>
Option<Match> path_row(std::string_view name, FieldType type, std::string_view text) {
  return {
      {.name = name, .type = type, .text = text, .exclusive = "path"},
      [](Match& match, const Value& value) {
        match.path_kind = kKind;
        match.path = value.as<std::string>();
      },
      [](const Match& match) { return match.path_kind == kKind ? Value(match.path) : Value(); }};
}

Option<ValueMatch> value_row() {
  return {{.name = "value",
           .text = "The value that it must have.",
           .exclusive = "condition",
           .one_needed = true,
           .secret = true},
          [](ValueMatch& match, const Value& value) { match.value = value.as<std::string>(); },
          [](const ValueMatch& match) {
            return match.regex || match.present ? Value() : Value(match.value);
          }};
}

Option<ValueMatch> value_regex_row() {
  return {{.name = "regex",
           .type = FieldType::regex,
           .text = "A regular expression (RE2) that the whole value must match.",
           .exclusive = "condition",
           .one_needed = true,
           .secret = true},
          [](ValueMatch& match, const Value& value) {
            match.value = value.as<std::string>();
            match.regex = true;
          },
          [](const ValueMatch& match) { return match.regex ? Value(match.value) : Value(); }};
}

Option<ValueMatch> present_row() {
  static constexpr std::string_view kTrue[] = {"true"};
  return {{.name = "present",
           .type = FieldType::boolean,
           .text = "It must be there, whatever its value.",
           .choices = kTrue,
           .exclusive = "condition",
           .one_needed = true},
          [](ValueMatch& match, const Value& value) { match.present = value.as<bool>(); },
          [](const ValueMatch& match) { return match.present ? Value(true) : Value(); }};
}

}  // namespace

Rows<ValueMatch> options(Of<ValueMatch>) {
  static const auto rows = std::to_array<Option<ValueMatch>>({
      option<&ValueMatch::name>({.name = "name",
                                 .text = "Of the header field or query parameter.",
                                 .required = true,
                                 .least = 1}),
      value_row(),
      value_regex_row(),
      present_row(),
  });
  return rows;
}

Rows<Match> options(Of<Match>) {
  static const auto rows = std::to_array<Option<Match>>({
      path_row<PathMatch::exact>("path", FieldType::path, "The whole path."),
      path_row<PathMatch::prefix>(
          "path_prefix", FieldType::path,
          "The path's first segments: `/jobs` matches `/jobs` and `/jobs/1`, not `/jobsearch`."),
      path_row<PathMatch::regex>("path_regex", FieldType::regex,
                                 "A regular expression (RE2) that the whole path must match."),
      option<&Match::methods>({.name = "methods",
                               .type = FieldType::method,
                               .text = "Any of these methods. Left out: all.",
                               .choices = kMethods,
                               .lone = true}),
      option<&Match::headers>(
          {.name = "headers",
           .text = "Header fields, all of which must match; a map of names and values does too.",
           .pair_key = "name",
           .pair_value = "value"}),
      option<&Match::query>(
          {.name = "query",
           .text = "Query parameters, all of which must match; a map of names and values does too.",
           .pair_key = "name",
           .pair_value = "value"}),
  });
  return rows;
}

Rows<WeightedUpstream> options(Of<WeightedUpstream>) {
  static const auto rows = std::to_array<Option<WeightedUpstream>>({
      option<&WeightedUpstream::upstream>({.name = "upstream",
                                           .type = FieldType::upstream,
                                           .text = "An upstream that is not private.",
                                           .required = true}),
      option<&WeightedUpstream::weight>(
          {.name = "weight",
           .text = "Its share of the requests, relative to the others.",
           .most = 1'000'000}),
  });
  return rows;
}

Rows<Rewrite> options(Of<Rewrite>) {
  static const auto rows = std::to_array<Option<Rewrite>>({
      option<&Rewrite::prefix>({.name = "prefix",
                                .type = FieldType::path,
                                .text = "Replaces the prefix that `path_prefix` matched.",
                                .exclusive = "path"}),
      option<&Rewrite::path>({.name = "path",
                              .type = FieldType::path,
                              .text = "Replaces the whole path.",
                              .exclusive = "path"}),
      option<&Rewrite::regex_substitution>(
          {.name = "regex_substitution",
           .type = FieldType::string,
           .text = "Replaces the whole path; `\\1` is the first group of `path_regex`.",
           .least = 1,
           .exclusive = "path"}),
      option<&Rewrite::host>({.name = "host",
                              .type = FieldType::host,
                              .text = "Replaces the Host field. Left out: it passes unchanged."}),
  });
  return rows;
}

Rows<Redirect> options(Of<Redirect>) {
  static constexpr std::string_view kSchemes[] = {"http", "https"};
  static const auto rows = std::to_array<Option<Redirect>>({
      option<&Redirect::scheme>({.name = "scheme",
                                 .type = FieldType::choice,
                                 .text = "Left out: as it was; likewise below.",
                                 .choices = kSchemes}),
      option<&Redirect::host>({.name = "host", .type = FieldType::host, .text = "Another host."}),
      option<&Redirect::port>({.name = "port", .text = "Another port.", .least = 1}),
      option<&Redirect::path>({.name = "path",
                               .type = FieldType::path,
                               .text = "Replaces the whole path.",
                               .exclusive = "path"}),
      option<&Redirect::prefix>({.name = "prefix",
                                 .type = FieldType::path,
                                 .text = "Replaces the prefix that `path_prefix` matched.",
                                 .exclusive = "path"}),
      option<&Redirect::status>({.name = "status",
                                 .text = "308 and 307 keep method and body.",
                                 .choices = kRedirectStatuses}),
  });
  return rows;
}

Rows<FixedAnswer> options(Of<FixedAnswer>) {
  static const auto rows = std::to_array<Option<FixedAnswer>>({
      option<&FixedAnswer::status>(
          {.name = "status", .text = "Status.", .least = 200, .most = 599}),
      option<&FixedAnswer::body>(
          {.name = "body", .text = "Body.", .most = 64 * 1024, .multiline = true}),
      option<&FixedAnswer::content_type>(
          {.name = "content_type", .text = "Type of the body.", .least = 1}),
  });
  return rows;
}

Rows<Route> options(Of<Route>) {
  static const auto rows = std::to_array<Option<Route>>({
      option<&Route::name>({.name = "name",
                            .type = FieldType::name,
                            .text = "For metrics and logs; series of a name survive reloads.",
                            .required = true}),
      option<&Route::hosts>(
          {.name = "hosts",
           .type = FieldType::host,
           .text = "Hosts, exact or with one wildcard label in front. Left out: every host that no "
                   "other route names.",
           .singular = "host"}),
      option<&Route::listeners>({.name = "listeners",
                                 .type = FieldType::listener,
                                 .text = "Listeners by name. Left out: all.",
                                 .lone = true}),
      option<&Route::matches>({.name = "matches",
                               .text = "Any of these must match. Left out: every request does.",
                               .singular = "match"}),
      option<&Route::filters>({.name = "filters",
                               .type = FieldType::filter,
                               .text = "Policies on this route, after those of every route."}),
      option<&Route::forward>({.name = "forward",
                               .text = "To an upstream, by name, or to several by weight.",
                               .least = 1,
                               .lone = true,
                               .plain = "upstream",
                               .exclusive = "action",
                               .one_needed = true}),
      option<&Route::redirect>({.name = "redirect",
                                .text = "Send the client elsewhere.",
                                .exclusive = "action",
                                .one_needed = true}),
      option<&Route::respond>({.name = "respond",
                               .text = "Answer from here.",
                               .exclusive = "action",
                               .one_needed = true}),
      option<&Route::rewrite>({.name = "rewrite", .text = "Changes of what is forwarded."}),
      option<&Route::timeout>(
          {.name = "timeout",
           .text = "From the last byte of the request to the head of the answer, retries included. "
                   "0: none. Left out: the upstream's `timeouts.request`."}),
      option<&Route::idle_timeout>(
          {.name = "idle_timeout",
           .text =
               "Silence of the upstream while a body streams. 0: none. Left out: the upstream's "
               "`timeouts.idle`."}),
      option<&Route::upgrade>(
          {.name = "upgrade",
           .text = "`websocket`: a GET that asks for it (RFC 6455) may become a tunnel, if the "
                   "endpoint takes it up. `off`: its Upgrade is removed, as every other is."}),
      option<&Route::https_only>(
          {.name = "https_only",
           .text = "A request that came over http is sent to the same host and path at https, port "
                   "443, with 308, before any filter sees it. What a trusted proxy says in "
                   "X-Forwarded-Proto counts."}),
  });
  return rows;
}

}  // namespace gateway::config
