#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "gateway/base/uri.h"
#include "gateway/filter/auth_question.h"
#include "gateway/filter/request_text.h"
#include "gateway/filter/verdict_cache.h"
#include "gateway/http/fields.h"

namespace gateway::filter {
namespace external_auth {
namespace {

using config::Field;
using config::FieldType;
using http::HeaderId;

/// An answer with more to pass on is not remembered.
constexpr std::size_t kMaxRemembered = 4096;
/// Bytes that all routes of a worker remember together: those who write Ingresses choose cache_size
/// and bring as many as they like.
constexpr std::size_t kMaxTogether = std::size_t{32} << 20;

constexpr std::string_view kMethods[] = {"GET",   "HEAD",   "POST",   "PUT",
                                         "PATCH", "DELETE", "OPTIONS"};
constexpr http::Method kMethodValues[] = {
    http::Method::get,   http::Method::head,    http::Method::post,   http::Method::put,
    http::Method::patch, http::Method::delete_, http::Method::options};
constexpr std::string_view kStrip[] = {"everywhere", "route"};

constexpr Field kFields[] = {
    {.name = "upstream",
     .type = FieldType::upstream,
     .text = "Whom to ask; it may be private.",
     .required = true,
     .private_upstream = true},
    {.name = "path",
     .text = "Path and query of the question. `$host`, `$scheme`, `$request_uri`, "
             "`$escaped_request_uri`, `$remote_addr`, `$http_NAME`, `$cookie_NAME` and `$arg_NAME` "
             "are those of the request. Fields and cookies are percent-encoded. `$arg_NAME` stands "
             "as it came in the query, and `$request_uri` with the `?` and `&` of its own query, "
             "neither decoded nor encoded: as the value of a parameter take "
             "`$escaped_request_uri`.",
     .default_text = "/"},
    {.name = "host",
     .type = FieldType::string,
     .text = "Its Host field; when left out, the upstream's name."},
    {.name = "method",
     .type = FieldType::choice,
     .text = "Its method; it never has a body.",
     .default_text = "GET",
     .choices = kMethods},
    {.name = "response_headers",
     .type = FieldType::list,
     .text = "Header fields of a good answer that the request carries on. What the client sent "
             "under these names is removed.",
     .element = FieldType::header,
     .lone = true},
    {.name = "strip",
     .type = FieldType::choice,
     .text = "Where the client's own `response_headers` are removed: on every route, since an "
             "upstream may stand behind several, or on this route alone. Those that have another "
             "meaning too (`Authorization`, `Cookie`) are removed on this route only.",
     .default_text = "everywhere",
     .choices = kStrip},
    {.name = "signin",
     .type = FieldType::string,
     .text = "Where a client without a good answer is sent (302) instead of hearing 401. The same "
             "variables may stand in it, alike; the address it wanted is added as "
             "`redirect_param`, encoded, unless that is there."},
    {.name = "redirect_param",
     .type = FieldType::string,
     .text = "Query parameter of `signin` that says where the client wanted to go.",
     .default_text = "rd"},
    {.name = "cache_key",
     .type = FieldType::string,
     .text =
         "What makes requests of one route and host alike: a good answer holds for all with an "
         "equal key. Left out, or a variable of it absent: each request is asked about. An answer "
         "that sets a cookie is not remembered."},
    {.name = "cache_time",
     .type = FieldType::duration,
     .text = "How long a good answer holds.",
     .default_text = "5m",
     .least = 0,
     .most = 86400},
    {.name = "cache_size",
     .type = FieldType::integer,
     .text = "Good answers remembered, per worker, of at most 4 KiB each. All filters of this type "
             "together hold 32 MiB a worker; past that, those that hold most forget first.",
     .default_text = "10000",
     .least = 0,
     .most = 1000000},
    {.name = "timeout",
     .type = FieldType::duration,
     .text = "Bound on one question, to the end of its answer.",
     .default_text = "5s",
     .least = 0.01,
     .most = 300},
    {.name = "max_lookups",
     .type = FieldType::integer,
     .text = "Questions under way at once, per worker; past it a request gets 503.",
     .default_text = "1024",
     .least = 1,
     .most = 65536},
};

struct Options {
  std::string upstream;
  std::string host;
  http::Method method = http::Method::get;
  RequestText path;
  std::vector<std::string> response_headers;
  std::vector<std::string> stripped_everywhere;
  std::optional<RequestText> signin;
  std::string redirect_suffix;  ///< "?rd=" or "&rd=" behind signin; empty: it has it already
  std::optional<RequestText> cache_key;
  Duration cache_time{};
  std::size_t cache_size = 0;
  Duration timeout{};
  std::size_t max_lookups = 0;
  std::string state_key;
};

/// What lives on across reloads, on one worker: good answers, and how many questions are under way.
struct AuthState {
  AuthState(std::size_t capacity, std::shared_ptr<VerdictBudget> shared)
      : budget(std::move(shared)), good(capacity, budget.get()) {}
  std::shared_ptr<VerdictBudget> budget;  ///< of all on this worker
  VerdictCache good;                      ///< the text of a verdict is what pack() made
  std::size_t under_way = 0;
};

bool passes_on(const Options& options, const http::Header& field) {
  return std::any_of(
      options.response_headers.begin(), options.response_headers.end(),
      [&](const std::string& name) { return http::equals_ignoring_case(field.name, name); });
}

// "+", then each field on a line; empty would mean denied.
std::string pack(const Options& options, const http::HeaderList& fields) {
  std::string text = "+";
  for (const http::Header& field : fields)
    if (passes_on(options, field))
      text.append(field.name).append(":").append(field.value).append("\n");
  return text;
}

void add_packed(std::string_view text, http::HeaderList& headers, Arena& arena) {
  text = arena.copy(text.substr(1));  // the cache may forget it before the exchange ends
  while (!text.empty()) {
    const auto end = text.find('\n');
    const auto colon = text.find(':');
    headers.add(arena, text.substr(0, colon), text.substr(colon + 1, end - colon - 1));
    text.remove_prefix(end + 1);
  }
}

/// Of one exchange, from its question to its end.
class Asked final : public Disposable {
 public:
  Asked(RequestContext& context, const Options& options, AuthState& state, Callback<Asked*> done)
      : question(context, options.response_headers, Callback<>::bind<&Asked::on_answer>(this)),
        state_(state),
        done_(done) {
    ++state_.under_way;
  }
  ~Asked() override { leave(); }

  /// The question is over, however it ended.
  void leave() {
    if (std::exchange(counted_, false)) --state_.under_way;
  }

  AuthQuestion question;
  std::optional<TokenHash> key;  ///< under which a good answer is remembered

 private:
  void on_answer() { done_(this); }

  AuthState& state_;
  Callback<Asked*> done_;
  bool counted_ = true;
};

class ExternalAuth final : public Filter {
 public:
  ExternalAuth(std::shared_ptr<const Options> options, WorkerServices& services)
      : options_(std::move(options)),
        services_(services),
        state_(services.state<AuthState>(
            options_->state_key, options_->cache_size,
            services.state<VerdictBudget>("external_auth", kMaxTogether))) {}

  Verdict on_request(RequestContext& context) override {
    std::optional<TokenHash> key = cache_key(context);
    if (key) {
      if (const TokenVerdict* known = state_->good.find(*key, context.loop.now())) {
        strip(context);
        add_packed(known->user, context.request.headers, context.arena);
        return Verdict::proceed;
      }
    }
    if (state_->under_way >= options_->max_lookups) return refuse(context, ErrorCode::no_verdict);
    return ask(context, key);
  }

  void on_response(RequestContext& context, http::ResponseHead& head) override {
    auto* asked = static_cast<Asked*>(context.filter_data);
    if (asked == nullptr) return;
    for (const http::Header& field : asked->question.fields())
      if (field.id == HeaderId::set_cookie) head.headers.add(context.arena, field);
  }

  void on_done(RequestContext& context, const Outcome& /*outcome*/) override {
    auto* asked = static_cast<Asked*>(context.filter_data);
    if (asked == nullptr) return;
    context.filter_data = nullptr;
    asked->question.stop();
    asked->leave();
    context.loop.free_later(asked);  // its answer may be up the stack
  }

 private:
  std::optional<TokenHash> cache_key(const RequestContext& context) const {
    if (!options_->cache_key || options_->cache_size == 0) return std::nullopt;
    // Whoever is asked sees host and path, and may answer otherwise for others.
    const std::string_view host = context.request.host;
    std::string key =
        fmt::format("{}:{}{}:{}", context.route.size(), context.route, host.size(), host);
    if (!options_->cache_key->append_key(context, key)) return std::nullopt;
    return hash_token(key);
  }

  Verdict ask(RequestContext& context, std::optional<TokenHash> key) {
    upstream::Upstream* upstream = services_.upstream(options_->upstream);
    // A reload may free the upstream's settings while the call waits for a connection.
    const std::string_view host =
        options_->host.empty() ? context.arena.copy(options_->upstream) : options_->host;
    const http::RequestHead* head =
        make_auth_head(context, options_->method, host, options_->path.url(context));
    auto asked = std::make_unique<Asked>(context, *options_, *state_,
                                         Callback<Asked*>::bind<&ExternalAuth::resume>(this));
    asked->key = key;
    Asked& started = *asked.release();  // on_done has it
    context.filter_data = &started;
    started.question.ask(upstream, *head, options_->timeout);
    return started.question.answered() ? apply(started) : Verdict::hold;
  }

  void resume(Asked* asked) {
    const Verdict verdict = apply(*asked);
    asked->question.context().ticket.resume(verdict);
  }

  // Whatever is not clearly a yes or a no is neither: the request fails closed.
  Verdict apply(Asked& asked) {
    asked.leave();
    RequestContext& context = asked.question.context();
    const http::HeaderList& fields = asked.question.fields();
    const int status = asked.question.status();
    if (status / 100 == 2) {
      strip(context);
      for (const http::Header& field : fields)
        if (passes_on(*options_, field)) context.request.headers.add(context.arena, field);
      remember(asked);
      return Verdict::proceed;
    }
    if (status != 401 && status != 403) return refuse(context, ErrorCode::no_verdict);
    for (const http::Header& field : fields)
      if (field.id == HeaderId::set_cookie) context.reply.headers.add(context.arena, field);
    if (status == 403) return refuse(context, ErrorCode::forbidden);
    if (options_->signin) return send_to_signin(context);
    for (const http::Header& field : fields)
      if (field.id == HeaderId::www_authenticate) context.reply.headers.add(context.arena, field);
    context.reply.text = "Access needs a login.";
    return refuse(context, ErrorCode::unauthenticated);
  }

  static Verdict refuse(RequestContext& context, ErrorCode code) {
    context.reply.code = code;
    if (code == ErrorCode::no_verdict)
      context.reply.text = "Access could not be checked: try again.";
    return Verdict::reply;
  }

  Verdict send_to_signin(RequestContext& context) {
    std::string_view location = options_->signin->url(context);
    if (!options_->redirect_suffix.empty()) {
      const std::string_view wanted = context.arena.concat(
          client_scheme(context), "://", context.request.host, request_uri(context));
      location = context.arena.concat(location, options_->redirect_suffix,
                                      percent_encode(wanted, context.arena));
    }
    context.reply.status = 302;
    context.reply.headers.add(context.arena, HeaderId::location, location);
    context.reply.text = "Access needs a login.";
    return refuse(context, ErrorCode::unauthenticated);
  }

  void strip(RequestContext& context) const {
    for (const std::string& name : options_->response_headers)
      context.request.headers.remove_if(
          [&](const http::Header& field) { return http::same_variable(field.name, name); });
  }

  // A cookie is one client's, a key may be many's.
  void remember(const Asked& asked) {
    const http::HeaderList& fields = asked.question.fields();
    if (!asked.key || options_->cache_time == Duration::zero() || fields.has(HeaderId::set_cookie))
      return;
    const std::string packed = pack(*options_, fields);
    if (packed.size() > kMaxRemembered) return;
    const Instant until = services_.loop().now() + options_->cache_time;
    state_->good.put(*asked.key, packed, until, until);
  }

  std::shared_ptr<const Options> options_;
  WorkerServices& services_;
  std::shared_ptr<AuthState> state_;
};

class ExternalAuthPlan final : public Plan {
 public:
  explicit ExternalAuthPlan(std::shared_ptr<const Options> options)
      : options_(std::move(options)) {}
  unsigned hooks() const override { return kOnRequest | kOnResponse | kOnDone; }
  std::span<const std::string> identity_headers() const override {
    return options_->stripped_everywhere;
  }
  std::span<const std::string> route_identity_headers() const override {
    return options_->response_headers;
  }
  std::unique_ptr<Filter> bind(WorkerServices& services) const override {
    return std::make_unique<ExternalAuth>(options_, services);
  }

 private:
  std::shared_ptr<const Options> options_;
};

// Framing, hop-by-hop and routing fields are not an authority's to set.
bool may_pass_on(const std::string& name) {
  const HeaderId id = http::header_id(name);
  switch (id) {
    case HeaderId::content_length:
    case HeaderId::host:
    case HeaderId::expect:
    case HeaderId::date:
    case HeaderId::set_cookie:
    case HeaderId::forwarded:
    case HeaderId::x_forwarded_for:
    case HeaderId::x_forwarded_proto:
    case HeaderId::x_real_ip: return false;
    default: return !http::is_hop_by_hop(id);
  }
}

Result<void> read_headers(const config::Value& value, Options& options) {
  if (!value["response_headers"].is_set()) return {};
  const bool everywhere = value["strip"].as<std::string>() == "everywhere";
  for (const config::Value& each : value["response_headers"].as<config::Value::List>()) {
    const std::string& name = each.as<std::string>();
    if (!http::is_token(name) || !may_pass_on(name))
      return invalid_argument(fmt::format("'{}' cannot be among response_headers", name));
    options.response_headers.push_back(name);
    if (everywhere && http::header_id(name) == HeaderId::other)
      options.stripped_everywhere.push_back(name);
  }
  return {};
}

bool has_parameter(std::string_view url, std::string_view name) {
  for (auto at = url.find('?'); at != std::string_view::npos; at = url.find('&', at + 1)) {
    const std::string_view rest = url.substr(at + 1);
    if (rest.starts_with(name) && rest.substr(name.size()).starts_with('=')) return true;
  }
  return false;
}

// Nobody but the client's own Host may decide where a client is sent.
bool names_foreign_host(std::string_view url) {
  const auto begin = url.find("://");
  if (begin == std::string_view::npos) return false;
  std::string_view authority = url.substr(begin + 3);
  authority = authority.substr(0, authority.find_first_of("/?#"));
  return authority.find('$') != std::string_view::npos && authority != "$host" &&
         authority != "${host}";
}

Result<void> read_signin(const config::Value& value, Options& options) {
  if (!value["signin"].is_set()) return {};
  const std::string& url = value["signin"].as<std::string>();
  const bool absolute = url.starts_with("http://") || url.starts_with("https://") ||
                        url.starts_with("$scheme://") || url.starts_with("${scheme}://");
  if (!absolute && (!url.starts_with('/') || url.starts_with("//")))
    return invalid_argument("signin is neither a URL nor a path");
  if (names_foreign_host(url))
    return invalid_argument("signin: no variable but $host, alone, may be the host");
  auto text = RequestText::compile(url);
  if (!text) return tl::make_unexpected(text.error());
  options.signin = std::move(*text);
  const std::string& parameter = value["redirect_param"].as<std::string>();
  if (!http::is_token(parameter))
    return invalid_argument("redirect_param is not a parameter's name");
  if (!has_parameter(url, parameter))
    options.redirect_suffix =
        fmt::format("{}{}=", url.find('?') == std::string::npos ? '?' : '&', parameter);
  return {};
}

Result<void> read_question(const config::Value& value, Options& options) {
  const std::string& path = value["path"].as<std::string>();
  if (!path.starts_with('/')) return invalid_argument("path must begin with '/'");
  auto text = RequestText::compile(path);
  if (!text) return tl::make_unexpected(text.error());
  options.path = std::move(*text);
  options.upstream = value["upstream"].as<std::string>();
  if (value["host"].is_set()) options.host = value["host"].as<std::string>();
  if (!options.host.empty() && !is_authority(options.host))
    return invalid_argument("host is not a host, with or without port");
  const auto method = std::find(std::begin(kMethods), std::end(kMethods),
                                std::string_view(value["method"].as<std::string>()));
  options.method = kMethodValues[method - std::begin(kMethods)];
  options.timeout = value["timeout"].as<Duration>();
  options.max_lookups = static_cast<std::size_t>(value["max_lookups"].as<std::int64_t>());
  return {};
}

Result<void> read_cache(const config::Value& value, Options& options) {
  options.cache_time = value["cache_time"].as<Duration>();
  options.cache_size = static_cast<std::size_t>(value["cache_size"].as<std::int64_t>());
  if (!value["cache_key"].is_set()) return {};
  auto text = RequestText::compile(value["cache_key"].as<std::string>());
  if (!text) return tl::make_unexpected(text.error());
  if (text->constant())
    return invalid_argument(
        "cache_key is the same for every client, who would all have the first one's answer: name "
        "what tells them apart, as $http_authorization");
  options.cache_key = std::move(*text);
  return {};
}

Result<std::shared_ptr<const Options>> read(const config::Value& value) {
  auto options = std::make_shared<Options>();
  for (const auto step : {read_question, read_headers, read_signin, read_cache})
    if (auto done = step(value, *options); !done) return tl::make_unexpected(done.error());
  // A good answer is one to this very question.
  options->state_key = fmt::format(
      "external_auth\n{}\n{}\n{}\n{}\n{}\n{} {} {} {}", options->upstream,
      value["path"].as<std::string>(), options->host, fmt::join(options->response_headers, ","),
      options->cache_key ? value["cache_key"].as<std::string>() : std::string(),
      static_cast<int>(options->method), options->cache_time.count(), options->cache_size,
      options->max_lookups);
  return options;
}

std::string check(const config::Value& value) {
  const auto options = read(value);
  return options ? std::string() : options.error().detail;
}

Result<std::shared_ptr<const Plan>> compile(const config::Value& value, CompileServices&) {
  auto options = read(value);
  if (!options) return tl::make_unexpected(options.error());
  return std::make_shared<const ExternalAuthPlan>(std::move(*options));
}

}  // namespace
}  // namespace external_auth

extern const FilterType kExternalAuth = {
    {"external_auth",
     "Asks an upstream about each request, without its body: 2xx lets it pass, 401 and 403 are the "
     "answer, all else is 503.",
     external_auth::kFields, external_auth::check},
    external_auth::compile,
    true};

}  // namespace gateway::filter
