#include <algorithm>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "gateway/base/uri.h"
#include "gateway/filter/filter.h"
#include "gateway/http/fields.h"

namespace gateway::filter {
namespace cors {
namespace {

using config::FieldType;

constexpr config::Field kFields[] = {
    {.name = "allow_origins",
     .type = FieldType::list,
     .text = "Origins whose pages may read the answers: `https://app.example`, "
             "`https://*.app.example` for exactly one label in that place, or `*` for all.",
     .required = true,
     .least = 1,
     .lone = true},
    {.name = "allow_methods",
     .type = FieldType::list,
     .text = "Methods that such pages may use; `*` for all.",
     .default_text = "[GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS]",
     .lone = true},
    {.name = "allow_headers",
     .type = FieldType::list,
     .text = "Header fields that they may send; `*` for all.",
     .default_text = "[Accept, Authorization, Cache-Control, Content-Type, DNT, If-Modified-Since, "
                     "Keep-Alive, Range, User-Agent, X-Requested-With]",
     .lone = true},
    {.name = "expose_headers",
     .type = FieldType::list,
     .text = "Header fields of answers that they may read, beyond those that everybody may.",
     .lone = true},
    {.name = "allow_credentials",
     .type = FieldType::boolean,
     .text = "Whether they may send cookies and credentials. Then `*` is answered with the origin, "
             "method or fields that were asked for, as browsers want it.",
     .default_text = "false"},
    {.name = "max_age",
     .type = FieldType::duration,
     .text = "How long a browser may remember what it was allowed.",
     .default_text = "1h",
     .least = 0,
     .most = 31536000},
};

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return result;
}

bool is_label(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
  });
}

/// `https://*.example.com` in two halves; an origin without `*` is all in the first.
struct OriginPattern {
  std::string begin;
  std::string end;
  bool wildcard = false;

  bool matches(std::string_view origin) const {
    if (!wildcard) return http::equals_ignoring_case(origin, begin);
    if (origin.size() <= begin.size() + end.size()) return false;
    const std::size_t label = origin.size() - begin.size() - end.size();
    return http::equals_ignoring_case(origin.substr(0, begin.size()), begin) &&
           http::equals_ignoring_case(origin.substr(begin.size() + label), end) &&
           is_label(origin.substr(begin.size(), label));
  }
};

// RFC 6454 §6.1: a scheme and an authority, no path; or `null`.
Result<OriginPattern> pattern_of(const std::string& text) {
  const auto refuse = [&] {
    return failure(ErrorCode::invalid_argument, Side::internal,
                   fmt::format("'{}' is not an origin such as https://app.example", text));
  };
  OriginPattern pattern{lower(text), {}, false};
  if (text == "null") return pattern;
  const auto scheme = text.find("://");
  if (scheme == std::string::npos || !is_label(text.substr(0, scheme))) return refuse();
  std::string authority = pattern.begin.substr(scheme + 3);
  if (authority.starts_with("*.")) {
    pattern.wildcard = true;
    pattern.end = authority.substr(1);
    pattern.begin.resize(scheme + 3);
    authority.erase(0, 2);
  }
  if (authority.find_first_of("*/?#") != std::string::npos || !is_authority(authority))
    return refuse();
  return pattern;
}

/// What one policy says, ready to be sent.
struct Rules {
  std::vector<OriginPattern> origins;
  bool any_origin = false;
  bool credentials = false;
  bool any_method = false;
  bool any_header = false;
  std::string methods;
  std::string headers;
  std::string exposed;
  std::string max_age;

  bool allows(std::string_view origin) const {
    return any_origin || std::any_of(origins.begin(), origins.end(),
                                     [&](const auto& each) { return each.matches(origin); });
  }
  /// The same to everybody, whoever asks.
  bool uniform() const { return any_origin && !credentials; }
};

bool is_answer_field(const http::Header& field) {
  constexpr std::string_view kFamily = "access-control-";
  return field.id == http::HeaderId::other && field.name.size() > kFamily.size() &&
         http::equals_ignoring_case(field.name.substr(0, kFamily.size()), kFamily);
}

class Cors final : public Filter {
 public:
  explicit Cors(const Rules& rules) : rules_(rules) {}

  Verdict on_request(RequestContext& context) override {
    const http::HeaderList& asked = context.request.headers;
    const bool one = asked.count(http::HeaderId::origin) == 1;
    const std::string_view origin = asked.value(http::HeaderId::origin);
    const bool allowed = one && rules_.allows(origin);
    http::HeaderList& answer = context.response_headers;
    if (allowed) {
      answer.add(context.arena, "Access-Control-Allow-Origin",
                 rules_.uniform() ? std::string_view("*") : origin);
      if (rules_.credentials) answer.add(context.arena, "Access-Control-Allow-Credentials", "true");
    }
    const http::Header* method = one && context.request.method == http::Method::options
                                     ? asked.find("Access-Control-Request-Method")
                                     : nullptr;
    if (method != nullptr) return answer_preflight(context, allowed, method->value);
    if (allowed && !rules_.exposed.empty())
      answer.add(context.arena, "Access-Control-Expose-Headers", rules_.exposed);
    if (!rules_.uniform()) answer.add(context.arena, "Vary", "Origin");
    return Verdict::proceed;
  }

  void on_response(RequestContext& context, http::ResponseHead& head) override {
    head.headers.remove_if(is_answer_field);
    if (rules_.uniform()) return;
    // What the context has replaces what the upstream said: join them.
    std::string_view vary;
    bool has_origin = false;
    for (const http::Header& field : head.headers) {
      if (!http::equals_ignoring_case(field.name, "Vary") || field.value.empty()) continue;
      vary = vary.empty() ? field.value : context.arena.concat(vary, ", ", field.value);
      http::for_each_list_item(field.value, [&](std::string_view item) {
        has_origin = has_origin || item == "*" || http::equals_ignoring_case(item, "Origin");
      });
    }
    if (vary.empty()) return;
    if (!has_origin) vary = context.arena.concat(vary, ", Origin");
    // These views are the head's, which dies before the context.
    context.response_headers.set(context.arena, "Vary", context.arena.copy(vary));
  }

 private:
  // The Fetch standard, §3.2.2: whoever is not allowed hears 2xx without a word of permission.
  Verdict answer_preflight(RequestContext& context, bool allowed, std::string_view method) {
    http::HeaderList& answer = context.response_headers;
    Arena& arena = context.arena;
    if (allowed) {
      const http::Header* headers = context.request.headers.find("Access-Control-Request-Headers");
      answer.add(arena, "Access-Control-Allow-Methods", reflect_method() ? method : rules_.methods);
      if (reflect_headers() && headers != nullptr)
        answer.add(arena, "Access-Control-Allow-Headers", headers->value);
      else if (!reflect_headers() && !rules_.headers.empty())
        answer.add(arena, "Access-Control-Allow-Headers", rules_.headers);
      answer.add(arena, "Access-Control-Max-Age", rules_.max_age);
    }
    if (reflect_method() || reflect_headers())
      answer.add(arena, "Vary",
                 "Origin, Access-Control-Request-Method, Access-Control-Request-Headers");
    else if (!rules_.uniform())
      answer.add(arena, "Vary", "Origin");
    context.reply.status = 204;
    return Verdict::reply;
  }

  // With credentials `*` is a name like any other to browsers.
  bool reflect_method() const { return rules_.any_method && rules_.credentials; }
  bool reflect_headers() const { return rules_.any_header && rules_.credentials; }

  const Rules& rules_;
};

class CorsPlan final : public Plan {
 public:
  explicit CorsPlan(Rules rules) : rules_(std::move(rules)) {}
  unsigned hooks() const override { return kOnRequest | kOnResponse; }
  std::unique_ptr<Filter> bind(WorkerServices& /*services*/) const override {
    return std::make_unique<Cors>(rules_);
  }

 private:
  Rules rules_;
};

/// "A, B, C"; `any` when `*` is among them.
Result<std::string> join_tokens(const config::Value& list, bool& any) {
  if (!list.is_set()) return std::string();
  std::vector<std::string_view> names;
  for (const config::Value& each : list.as<config::Value::List>()) {
    const std::string& text = each.as<std::string>();
    if (!http::is_token(text))
      return failure(ErrorCode::invalid_argument, Side::internal,
                     fmt::format("'{}' is not the name of a method or field", text));
    any = any || text == "*";
    names.push_back(text);
  }
  return any ? fmt::format("*") : fmt::format("{}", fmt::join(names, ", "));
}

Result<Rules> read(const config::Value& options) {
  Rules rules;
  for (const config::Value& each : options["allow_origins"].as<config::Value::List>()) {
    const std::string& text = each.as<std::string>();
    if (text == "*") {
      rules.any_origin = true;
      continue;
    }
    auto pattern = pattern_of(text);
    if (!pattern) return tl::make_unexpected(pattern.error());
    rules.origins.push_back(std::move(*pattern));
  }
  bool any_exposed = false;
  for (auto [name, text, any] : {std::tuple{"allow_methods", &rules.methods, &rules.any_method},
                                 {"allow_headers", &rules.headers, &rules.any_header},
                                 {"expose_headers", &rules.exposed, &any_exposed}}) {
    auto joined = join_tokens(options[name], *any);
    if (!joined) return tl::make_unexpected(joined.error());
    *text = std::move(*joined);
  }
  rules.credentials = options["allow_credentials"].as<bool>();
  const auto age = std::chrono::floor<std::chrono::seconds>(options["max_age"].as<Duration>());
  rules.max_age = std::to_string(age.count());
  return rules;
}

std::string check(const config::Value& options) {
  const auto rules = read(options);
  return rules ? std::string() : rules.error().detail;
}

Result<std::shared_ptr<const Plan>> compile(const config::Value& options,
                                            CompileServices& /*services*/) {
  auto rules = read(options);
  if (!rules) return tl::make_unexpected(rules.error());
  return std::make_shared<const CorsPlan>(std::move(*rules));
}

}  // namespace
}  // namespace cors

extern const FilterType kCors = {
    {"cors",
     "Lets pages of other origins read the answers, and answers their preflight requests itself. "
     "What the upstream says of origins is replaced.",
     cors::kFields, cors::check},
    cors::compile};

}  // namespace gateway::filter
