#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "gateway/filter/filter.h"
#include "gateway/http/fields.h"

namespace gateway::filter {
namespace error_pages {
namespace {

using config::FieldType;
using http::HeaderId;

constexpr int kFirst = 400;
constexpr int kLast = 599;

constexpr config::Field kFields[] = {
    {.name = "codes",
     .type = FieldType::list,
     .text = "Statuses of the upstream's answers (400 to 599) that are replaced. 502, 503 and 504 "
             "are replaced too where the upstream gave no answer.",
     .required = true,
     .least = 1,
     .element = FieldType::integer,
     .lone = true},
    {.name = "answers",
     .type = FieldType::boolean,
     .text = "Whether answers of the upstream are replaced; else only what the gateway says for "
             "want of one.",
     .default_text = "true"},
    {.name = "upstream",
     .type = FieldType::upstream,
     .text = "Who answers instead, status included; it may be private. It is told X-Code, X-Format "
             "(the Accept field), X-Original-URI and X-Request-ID.",
     .required = true,
     .private_upstream = true},
    {.name = "path", .text = "Path that it is asked for.", .default_text = "/"},
    {.name = "headers",
     .type = FieldType::map,
     .text = "More header fields for it.",
     .secret = true},
    {.name = "timeout",
     .type = FieldType::duration,
     .text = "Until the head of its answer. After that, or when it fails, the client gets the "
             "status that was to be replaced with a line of text.",
     .default_text = "5s",
     .least = 0.01,
     .most = 60},
};

struct Settings {
  std::array<bool, kLast - kFirst + 1> codes{};
  bool answers = true;
  std::string upstream;
  std::string path;
  std::string query;
  bool has_query = false;
  std::vector<std::pair<std::string, std::string>> headers;
  Duration timeout{};

  bool replaces(int status) const {
    return status >= kFirst && status <= kLast && codes[static_cast<std::size_t>(status - kFirst)];
  }
};

/// The request as it came: rewriting and header edits come later.
struct Original {
  std::string_view host;
  std::string_view path;
  std::string_view query;
  bool has_query = false;
  http::HeaderList headers;  ///< those that say what kind of page is wanted
};

// What the client can read, and how it came to us.
bool is_of_use(const http::Header& field) {
  switch (field.id) {
    case HeaderId::accept:
    case HeaderId::user_agent: return true;
    case HeaderId::other:
      return http::equals_ignoring_case(field.name, "Accept-Language") ||
             http::equals_ignoring_case(field.name, "Accept-Encoding");
    default: return false;
  }
}

bool tells_of_client(const http::Header& field) {
  return field.id == HeaderId::x_forwarded_for || field.id == HeaderId::x_forwarded_proto ||
         field.id == HeaderId::x_forwarded_host;
}

std::string_view number(int value, Arena& arena) { return arena.copy(fmt::format("{}", value)); }

class ErrorPages final : public Filter {
 public:
  ErrorPages(const Settings& settings, WorkerServices& services)
      : settings_(settings), services_(services) {}

  Verdict on_request(RequestContext& context) override {
    auto* original = context.arena.make<Original>();
    const http::RequestHead& request = context.request;
    original->host = request.host;
    original->path = request.path;
    original->query = request.query;
    original->has_query = request.has_query;
    for (const http::Header& field : request.headers)
      if (is_of_use(field)) original->headers.add(context.arena, field);
    context.filter_data = original;
    return Verdict::proceed;
  }

  void on_response(RequestContext& context, http::ResponseHead& head) override {
    replace(context, head.status);
  }
  void on_failure(RequestContext& context, int status) override { replace(context, status); }

 private:
  void replace(RequestContext& context, int status) {
    if (!settings_.replaces(status) || context.substitute != nullptr) return;
    upstream::Upstream* upstream = services_.upstream(settings_.upstream);
    if (upstream == nullptr) return;
    Arena& arena = context.arena;
    const auto& original = *static_cast<const Original*>(context.filter_data);
    auto* wanted = arena.make<Substitute>();
    wanted->upstream = upstream;
    wanted->timeout = settings_.timeout;
    http::RequestHead& head = wanted->head;
    head.method =
        context.request.method == http::Method::head ? http::Method::head : http::Method::get;
    head.host = original.host.empty() ? arena.copy(settings_.upstream) : original.host;
    head.path = settings_.path;
    head.query = settings_.query;
    head.has_query = settings_.has_query;
    head.headers = original.headers.clone(arena);
    for (const http::Header& field : context.request.headers)
      if (tells_of_client(field)) head.headers.add(arena, field);
    head.headers.add(arena, "X-Code", number(status, arena));
    if (head.headers.has(HeaderId::accept))
      head.headers.add(arena, "X-Format", head.headers.value(HeaderId::accept));
    head.headers.add(
        arena, "X-Original-URI",
        original.has_query ? arena.concat(original.path, "?", original.query) : original.path);
    if (!context.request_id.empty())
      head.headers.add(arena, HeaderId::x_request_id, context.request_id);
    for (const auto& [name, value] : settings_.headers) head.headers.add(arena, name, value);
    context.substitute = wanted;
  }

  const Settings& settings_;
  WorkerServices& services_;
};

class ErrorPagesPlan final : public Plan {
 public:
  explicit ErrorPagesPlan(Settings settings) : settings_(std::move(settings)) {}
  unsigned hooks() const override {
    return kOnRequest | kOnFailure | (settings_.answers ? kOnResponse : 0U);
  }
  std::unique_ptr<Filter> bind(WorkerServices& services) const override {
    return std::make_unique<ErrorPages>(settings_, services);
  }

 private:
  Settings settings_;
};

Result<void> read_headers(const config::Value& value, Settings& settings) {
  if (!value.is_set()) return {};
  for (const auto& [name, text] : value.as<config::Value::Map>()) {
    const HeaderId id = http::header_id(name);
    if (!http::is_token(name) || http::is_hop_by_hop(id) || id == HeaderId::host ||
        id == HeaderId::content_length)
      return invalid_argument(fmt::format("'{}' cannot be among headers", name));
    if (!http::is_field_value(text.as<std::string>()))
      return invalid_argument(fmt::format("'{}' has a value that no field may have", name));
    settings.headers.emplace_back(name, text.as<std::string>());
  }
  return {};
}

Result<Settings> read(const config::Value& value) {
  Settings settings;
  for (const config::Value& code : value["codes"].as<config::Value::List>()) {
    const std::int64_t status = code.as<std::int64_t>();
    if (status < kFirst || status > kLast)
      return invalid_argument(
          fmt::format("{} is not a status from {} to {}", status, kFirst, kLast));
    settings.codes[static_cast<std::size_t>(status - kFirst)] = true;
  }
  settings.answers = value["answers"].as<bool>();
  settings.upstream = value["upstream"].as<std::string>();
  settings.timeout = value["timeout"].as<Duration>();
  const std::string& target = value["path"].as<std::string>();
  const bool plain = std::none_of(target.begin(), target.end(),
                                  [](char c) { return c <= ' ' || c == 0x7f || c == '#'; });
  if (!target.starts_with('/') || !plain)
    return invalid_argument("path is not a path that begins with '/'");
  const auto question = target.find('?');
  settings.path = target.substr(0, question);
  settings.has_query = question != std::string::npos;
  if (settings.has_query) settings.query = target.substr(question + 1);
  if (auto done = read_headers(value["headers"], settings); !done)
    return tl::make_unexpected(done.error());
  return settings;
}

std::string check(const config::Value& value) {
  const auto settings = read(value);
  return settings ? std::string() : settings.error().detail;
}

Result<std::shared_ptr<const Plan>> compile(const config::Value& value,
                                            CompileServices& /*services*/) {
  auto settings = read(value);
  if (!settings) return tl::make_unexpected(settings.error());
  return std::make_shared<const ErrorPagesPlan>(std::move(*settings));
}

}  // namespace
}  // namespace error_pages

extern const FilterType kErrorPages = {
    {"error_pages", "Replaces answers of certain statuses by those of another upstream.",
     error_pages::kFields, error_pages::check},
    error_pages::compile};

}  // namespace gateway::filter
