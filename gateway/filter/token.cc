#include "gateway/filter/filter.h"

#include <fmt/format.h>

#include <algorithm>

#include "gateway/filter/token_service.h"
#include "gateway/http/fields.h"

namespace gateway::filter {
namespace token {
namespace {

using config::Field;
using config::FieldType;

constexpr std::size_t kMaxToken = 4096;

constexpr Field kFields[] = {
    {.name = "upstream",
     .type = FieldType::upstream,
     .text = "Whom to ask; usually a private upstream.",
     .required = true,
     .private_upstream = true},
    {.name = "path", .text = "Path of the question, a form sent by POST.", .default_text = "/auth"},
    {.name = "field", .text = "Form field that carries the token.", .default_text = "token"},
    {.name = "allow_ttl",
     .type = FieldType::duration,
     .text = "How long a good token is believed without asking again.",
     .default_text = "60s",
     .least = 0,
     .most = 86400},
    {.name = "deny_ttl",
     .type = FieldType::duration,
     .text = "How long a bad token is refused without asking again.",
     .default_text = "10s",
     .least = 0,
     .most = 86400},
    {.name = "stale_ttl",
     .type = FieldType::duration,
     .text = "How much longer a good token is believed while the upstream gives no verdict. 0: not "
             "at all.",
     .default_text = "0s",
     .least = 0,
     .most = 604800},
    {.name = "timeout",
     .type = FieldType::duration,
     .text = "Bound on one question, to the end of its answer.",
     .default_text = "2s",
     .least = 0.01,
     .most = 60},
    {.name = "cache_size",
     .type = FieldType::integer,
     .text = "Good tokens remembered, per worker.",
     .default_text = "100000",
     .least = 0,
     .most = 10000000},
    {.name = "deny_cache_size",
     .type = FieldType::integer,
     .text = "Bad tokens remembered, per worker; they never push out good ones.",
     .default_text = "10000",
     .least = 0,
     .most = 10000000},
    {.name = "max_lookups",
     .type = FieldType::integer,
     .text = "Questions under way at once, per worker; past it a new token gets 503.",
     .default_text = "256",
     .least = 1,
     .most = 65536},
    {.name = "user_header",
     .text = "Request header that tells the upstream the user's name. Removed from every request "
             "that comes in.",
     .default_text = "X-Auth-User"},
    {.name = "realm", .text = "For WWW-Authenticate.", .default_text = "gateway"},
};

struct Options {
  TokenSettings service;
  std::string user_header;
  std::string challenge;          ///< WWW-Authenticate without a token
  std::string challenge_invalid;  ///< with one that is not good
  std::string state_key;
};

// What is wrong with the field, or the token in it (RFC 6750 §2.1; a bare token is our own habit).
std::string_view token_of(const http::HeaderList& headers) {
  if (headers.count(http::HeaderId::authorization) != 1) return {};
  std::string_view value = headers.value(http::HeaderId::authorization);
  const auto space = value.find(' ');
  if (space != std::string_view::npos) {
    if (!http::equals_ignoring_case(value.substr(0, space), "Bearer")) return {};
    value.remove_prefix(space);
    while (!value.empty() && value.front() == ' ') value.remove_prefix(1);
  }
  const bool plain =
      std::all_of(value.begin(), value.end(), [](char c) { return c > 0x20 && c < 0x7f; });
  return plain && value.size() <= kMaxToken ? value : std::string_view();
}

class TokenFilter final : public Filter {
 public:
  TokenFilter(std::shared_ptr<const Options> options, WorkerServices& services)
      : options_(std::move(options)),
        service_(services.state<TokenService>(options_->state_key, services, options_->service)) {
    service_->on_answer(resume);
  }

  Verdict on_request(RequestContext& context) override {
    const std::string_view token = token_of(context.request.headers);
    context.filter_data = this;
    if (token.empty()) return deny(context, options_->challenge);
    const TokenHash hash = hash_token(token);
    context.token_hash =
        context.arena.copy({reinterpret_cast<const char*>(hash.data()), hash.size()});
    std::string_view user;
    const TokenService::Answer answer = service_->check(hash, token, context.ticket, user);
    if (answer == TokenService::Answer::wait) return Verdict::hold;
    return apply(context, answer, user);
  }

 private:
  static void resume(HoldTicket& ticket, TokenService::Answer answer, std::string_view user) {
    RequestContext& context = *ticket.context;
    auto* filter = static_cast<TokenFilter*>(context.filter_data);
    ticket.resume(filter->apply(context, answer, user));
  }

  Verdict apply(RequestContext& context, TokenService::Answer answer, std::string_view user) {
    if (answer == TokenService::Answer::deny) return deny(context, options_->challenge_invalid);
    if (answer != TokenService::Answer::allow) {
      service_->cells().no_verdict.add();
      context.reply.code = ErrorCode::no_verdict;
      return Verdict::reply;
    }
    service_->cells().allowed.add();
    context.user = context.arena.copy(user);
    context.request.headers.add(context.arena, options_->user_header, context.user);
    return Verdict::proceed;
  }

  Verdict deny(RequestContext& context, std::string_view challenge) {
    service_->cells().denied.add();
    context.reply.code = ErrorCode::unauthenticated;
    context.reply.headers.add(context.arena, http::HeaderId::www_authenticate, challenge);
    return Verdict::reply;
  }

  std::shared_ptr<const Options> options_;
  std::shared_ptr<TokenService> service_;
};

class TokenPlan final : public Plan {
 public:
  explicit TokenPlan(std::shared_ptr<const Options> options)
      : options_(std::move(options)), identity_{options_->user_header} {}
  unsigned hooks() const override { return kOnRequest; }
  std::span<const std::string> identity_headers() const override { return identity_; }
  std::unique_ptr<Filter> bind(WorkerServices& services) const override {
    return std::make_unique<TokenFilter>(options_, services);
  }

 private:
  std::shared_ptr<const Options> options_;
  std::array<std::string, 1> identity_;
};

Result<std::shared_ptr<const Plan>> compile(const config::Value& value, CompileServices&) {
  auto options = std::make_shared<Options>();
  TokenSettings& service = options->service;
  service.upstream = value["upstream"].as<std::string>();
  service.path = value["path"].as<std::string>();
  service.field = value["field"].as<std::string>();
  service.allow_ttl = value["allow_ttl"].as<Duration>();
  service.deny_ttl = value["deny_ttl"].as<Duration>();
  service.stale_ttl = value["stale_ttl"].as<Duration>();
  service.timeout = value["timeout"].as<Duration>();
  service.cache_size = static_cast<std::size_t>(value["cache_size"].as<std::int64_t>());
  service.deny_cache_size = static_cast<std::size_t>(value["deny_cache_size"].as<std::int64_t>());
  service.max_lookups = static_cast<std::size_t>(value["max_lookups"].as<std::int64_t>());
  options->user_header = value["user_header"].as<std::string>();
  if (!http::is_token(options->user_header) || options->user_header.find('_') != std::string::npos)
    return failure(ErrorCode::invalid_argument, Side::internal,
                   fmt::format("user_header '{}' is not a header name", options->user_header));
  // It is removed from every request: a name with a meaning of its own would lose that.
  if (http::header_id(options->user_header) != http::HeaderId::other)
    return failure(ErrorCode::invalid_argument, Side::internal,
                   fmt::format("user_header '{}' has another meaning", options->user_header));
  if (service.path.empty() || service.path.front() != '/')
    return failure(ErrorCode::invalid_argument, Side::internal, "path must begin with '/'");
  const std::string realm = value["realm"].as<std::string>();
  if (!http::is_field_value(realm) || realm.find_first_of("\"\\") != std::string::npos)
    return failure(ErrorCode::invalid_argument, Side::internal,
                   "realm has a quote or control byte");
  options->challenge = fmt::format(R"(Bearer realm="{}")", realm);
  options->challenge_invalid = fmt::format(R"(Bearer realm="{}", error="invalid_token")", realm);
  // How long a verdict is believed is part of the policy: one route's patience is not another's.
  options->state_key = fmt::format(
      "token\n{}\n{}\n{}\n{} {} {} {} {} {} {}", service.upstream, service.path, service.field,
      service.allow_ttl.count(), service.deny_ttl.count(), service.stale_ttl.count(),
      service.timeout.count(), service.cache_size, service.deny_cache_size, service.max_lookups);
  return std::make_shared<TokenPlan>(std::move(options));
}

}  // namespace
}  // namespace token

extern const FilterType kToken = {
    {"token", "Asks an upstream whether the Authorization token is good, and who its user is.",
     token::kFields},
    token::compile,
    true};

}  // namespace gateway::filter
