#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "gateway/config/named_files.h"
#include "gateway/filter/password_checks.h"
#include "gateway/http/fields.h"

namespace gateway::filter {
namespace basic_auth {
namespace {

using config::Field;
using config::FieldType;

constexpr std::size_t kMostCredentials = 1024;
constexpr std::size_t kMostUsers = 4U << 20;

constexpr Field kFields[] = {
    {.name = "users_file",
     .type = FieldType::file,
     .text = "File of users as `htpasswd` writes it, read again when it changes. bcrypt (`htpasswd "
             "-B`) is what to use; SHA-crypt, MD5-crypt and {SHA} are known too.",
     .exclusive = "list of users",
     .one_needed = true},
    {.name = "users",
     .type = FieldType::string,
     .text = "The same as text. It is not shown where the configuration is.",
     .exclusive = "list of users",
     .one_needed = true,
     .multiline = true,
     .secret = true},
    {.name = "realm", .text = "For WWW-Authenticate.", .default_text = "gateway"},
    {.name = "forward_credentials",
     .type = FieldType::boolean,
     .text = "Whether the upstream gets to see the Authorization field, and with it the password.",
     .default_text = "false"},
    {.name = "user_header",
     .type = FieldType::string,
     .text = "Request header that tells the upstream the user's name. Removed from every request "
             "that comes in."},
    {.name = "allow_ttl",
     .type = FieldType::duration,
     .text = "How long a good password is believed without checking again. Users that change are "
             "checked anew.",
     .default_text = "10m",
     .least = 0,
     .most = 86400},
    {.name = "deny_ttl",
     .type = FieldType::duration,
     .text = "How long a bad one is refused without checking again.",
     .default_text = "10s",
     .least = 0,
     .most = 86400},
    {.name = "cache_size",
     .type = FieldType::integer,
     .text = "Good passwords remembered, per worker, and as many bad ones, which never push out "
             "good ones.",
     .default_text = "10000",
     .least = 0,
     .most = 1000000},
};

struct Options {
  std::shared_ptr<const UserList> users;
  std::string users_file;  ///< empty: they came as text
  PasswordSettings checks;
  std::string challenge;
  std::string user_header;
  bool forward_credentials = false;
  std::string state_key;
};

struct Credentials {
  std::string name;
  std::string password;
};

// RFC 4648 §4; padding may be left out. Nothing where a byte is no digit.
std::optional<std::string> decode_base64(std::string_view text) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  while (text.ends_with('=')) text.remove_suffix(1);
  std::string bytes;
  unsigned bits = 0;
  int held = 0;
  for (const char c : text) {
    const auto digit = kDigits.find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    bits = (bits << 6 | static_cast<unsigned>(digit)) & 0xffff;
    held += 6;
    if (held < 8) continue;
    held -= 8;
    bytes.push_back(static_cast<char>(bits >> held & 0xff));
  }
  return bytes;
}

// RFC 7617 §2. Control bytes are in no name and no password; after a NUL nobody would look.
std::optional<Credentials> credentials_of(const http::HeaderList& headers) {
  if (headers.count(http::HeaderId::authorization) != 1) return std::nullopt;
  std::string_view value = headers.value(http::HeaderId::authorization);
  const auto space = value.find(' ');
  if (space == std::string_view::npos || value.size() > kMostCredentials ||
      !http::equals_ignoring_case(value.substr(0, space), "Basic"))
    return std::nullopt;
  value.remove_prefix(space);
  while (!value.empty() && value.front() == ' ') value.remove_prefix(1);
  const auto text = decode_base64(value);
  if (!text || std::any_of(text->begin(), text->end(), [](char c) {
        return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
      }))
    return std::nullopt;
  const auto colon = text->find(':');
  if (colon == std::string::npos || colon == 0) return std::nullopt;
  return Credentials{text->substr(0, colon), text->substr(colon + 1)};
}

class BasicAuth final : public Filter {
 public:
  BasicAuth(std::shared_ptr<const Options> options, BlockingPool& pool, WorkerServices& services)
      : options_(std::move(options)),
        checks_(services.state<PasswordChecks>(options_->state_key, services.loop(), pool,
                                               options_->users, options_->checks)) {
    checks_->on_answer(resume);
  }

  Verdict on_request(RequestContext& context) override {
    const auto given = credentials_of(context.request.headers);
    if (!given) return refuse(context, ErrorCode::unauthenticated);
    context.filter_data = this;
    const PasswordChecks::Answer answer =
        checks_->check(given->name, given->password, context.ticket);
    return answer == PasswordChecks::Answer::wait ? Verdict::hold : apply(context, answer);
  }

 private:
  static void resume(HoldTicket& ticket, PasswordChecks::Answer answer) {
    RequestContext& context = *ticket.context;
    auto* filter = static_cast<BasicAuth*>(context.filter_data);
    ticket.resume(filter->apply(context, answer));
  }

  Verdict apply(RequestContext& context, PasswordChecks::Answer answer) {
    if (answer != PasswordChecks::Answer::allow)
      return refuse(context, answer == PasswordChecks::Answer::deny ? ErrorCode::unauthenticated
                                                                    : ErrorCode::no_verdict);
    // Not before: whoever goes away meanwhile would be logged under a name of his choice.
    if (const auto given = credentials_of(context.request.headers))
      context.user = context.arena.copy(given->name);
    if (!options_->forward_credentials)
      context.request.headers.remove(http::HeaderId::authorization);
    if (!options_->user_header.empty())
      context.request.headers.add(context.arena, options_->user_header, context.user);
    return Verdict::proceed;
  }

  Verdict refuse(RequestContext& context, ErrorCode code) {
    context.reply.code = code;
    if (code == ErrorCode::unauthenticated) {
      context.reply.text = "A user's name and password are needed.";
      context.reply.headers.add(context.arena, http::HeaderId::www_authenticate,
                                options_->challenge);
    } else {
      context.reply.text = "The password could not be checked: try again.";
    }
    return Verdict::reply;
  }

  std::shared_ptr<const Options> options_;
  std::shared_ptr<PasswordChecks> checks_;
};

Result<std::string> read_users(const std::string& path) {
  auto text = config::read_file(path, kMostUsers);
  if (!text) return failure(ErrorCode::io_error, Side::internal, std::move(text.error()));
  return std::move(*text);
}

class BasicAuthPlan final : public Plan {
 public:
  BasicAuthPlan(std::shared_ptr<const Options> options, BlockingPool& pool)
      : options_(std::move(options)), pool_(pool) {
    if (!options_->user_header.empty()) identity_.push_back(options_->user_header);
  }
  unsigned hooks() const override { return kOnRequest; }
  std::span<const std::string> identity_headers() const override { return identity_; }
  bool current() const override {
    if (options_->users_file.empty()) return true;
    const auto text = read_users(options_->users_file);
    return text && hash_token(*text) == options_->users->digest();
  }
  std::unique_ptr<Filter> bind(WorkerServices& services) const override {
    return std::make_unique<BasicAuth>(options_, pool_, services);
  }

 private:
  std::shared_ptr<const Options> options_;
  BlockingPool& pool_;
  std::vector<std::string> identity_;
};

// Equal lists are one, however many routes name them.
Result<std::shared_ptr<const UserList>> users_of(const config::Value& value,
                                                 CompileServices& services) {
  Result<std::string> text = value["users"].is_set()
                                 ? Result<std::string>(value["users"].as<std::string>())
                                 : read_users(value["users_file"].as<std::string>());
  if (!text) return tl::make_unexpected(text.error());
  auto users = UserList::parse(*text);
  if (!users) return tl::make_unexpected(users.error());
  const TokenHash& digest = users->digest();
  const std::string key = fmt::format("basic_auth/{:02x}", fmt::join(digest, ""));
  return services.shared_state<UserList>(key, std::move(*users));
}

std::string check(const config::Value& value) {
  const std::string& realm = value["realm"].as<std::string>();
  if (!http::is_field_value(realm) || realm.find_first_of("\"\\") != std::string::npos)
    return "realm has a quote or control byte";
  if (value["users"].is_set())
    if (const auto users = UserList::parse(value["users"].as<std::string>()); !users)
      return users.error().detail;
  if (!value["user_header"].is_set()) return {};
  const std::string& header = value["user_header"].as<std::string>();
  if (!http::is_token(header) || header.find('_') != std::string::npos)
    return fmt::format("user_header '{}' is not a header name", header);
  // It is removed from every request: a name with a meaning of its own would lose that.
  if (http::header_id(header) != http::HeaderId::other)
    return fmt::format("user_header '{}' has another meaning", header);
  return {};
}

Result<std::shared_ptr<const Plan>> compile(const config::Value& value, CompileServices& services) {
  if (std::string wrong = check(value); !wrong.empty()) return invalid_argument(std::move(wrong));
  auto options = std::make_shared<Options>();
  auto users = users_of(value, services);
  if (!users) return tl::make_unexpected(users.error());
  options->users = std::move(*users);
  if (!value["users"].is_set()) options->users_file = value["users_file"].as<std::string>();
  options->checks = {value["allow_ttl"].as<Duration>(), value["deny_ttl"].as<Duration>(),
                     static_cast<std::size_t>(value["cache_size"].as<std::int64_t>())};
  options->challenge =
      fmt::format(R"(Basic realm="{}", charset="UTF-8")", value["realm"].as<std::string>());
  if (value["user_header"].is_set()) options->user_header = value["user_header"].as<std::string>();
  options->forward_credentials = value["forward_credentials"].as<bool>();
  options->state_key =
      fmt::format("basic_auth\n{:02x}\n{} {} {}", fmt::join(options->users->digest(), ""),
                  options->checks.allow_ttl.count(), options->checks.deny_ttl.count(),
                  options->checks.cache_size);
  return std::make_shared<const BasicAuthPlan>(std::move(options), services.blocking_pool());
}

}  // namespace
}  // namespace basic_auth

extern const FilterType kBasicAuth = {
    {"basic_auth",
     "Lets a request pass with the name and password of a known user, answers 401 without.",
     basic_auth::kFields, basic_auth::check},
    basic_auth::compile,
    true};

}  // namespace gateway::filter
