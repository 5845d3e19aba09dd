#include "apps/app_b/user_commands.h"

#include <fmt/format.h>
#include <sys/random.h>

#include <array>
#include <cstdio>

#include "apps/app_b/users.h"
#include "gateway/base/check.h"

namespace gateway::apps {
namespace {

constexpr std::size_t kLongestName = 64;
constexpr const char* kStillKnown =
    "A gateway may let the token of before in until its allow_ttl is over (60 s if nothing else is "
    "configured).\n";

// 256 bits, in characters that need no quoting anywhere.
std::string new_token() {
  std::array<unsigned char, 32> bytes;
  GATEWAY_CHECK(getrandom(bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()));
  std::string text;
  for (const unsigned char byte : bytes) text += fmt::format("{:02x}", byte);
  return text;
}

// The gateway hands the name to other services in a header, and writes it to logs.
std::string check_name(const std::string& name) {
  constexpr std::string_view kAllowed =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._@+-";
  if (name.empty() || name.size() > kLongestName ||
      name.find_first_not_of(kAllowed) != std::string::npos)
    return "a name has 1 to 64 letters, digits and . _ @ + -";
  return {};
}

Error wrong(std::string sentence) {
  return Error(ErrorCode::invalid_argument, Side::internal, std::move(sentence));
}

}  // namespace

UserCommands::UserCommands(App& app, const DatabaseFlags& database) : database_(database) {
  CLI::App* user = app.flags().add_subcommand("user", "Who may come in, and with which token");
  user->require_subcommand(1)->fallthrough();
  const auto named = [&](const char* name, const char* text, std::function<int()> act) {
    app.command(*user, name, text, std::move(act))
        .add_option("NAME", name_, "The user's name")
        ->required()
        ->check(CLI::Validator(check_name, "", "name"));
  };
  named("add", "Add a user and print the token, which is shown this once",
        [this] { return give_token(false); });
  named("rotate", "Print a new token; the one of before ends, and so does being disabled",
        [this] { return give_token(true); });
  named("disable", "End the user's token, until rotate gives another",
        [this] { return disable(); });
  app.command(*user, "list", "Print each user, and whether it is disabled",
              [this] { return list(); });
}

int UserCommands::give_token(bool rotate) const {
  return database_.with_database([&](Database& database) -> Result<void> {
    const std::string token = new_token();
    const auto done =
        rotate ? rotate_token(database, name_, token) : add_user(database, name_, token);
    if (!done) return tl::make_unexpected(done.error());
    if (!*done)
      return tl::make_unexpected(wrong(
          rotate
              ? fmt::format("there is no user {}: user list shows all, user add makes one", name_)
              : fmt::format("there is a user {0} already: user rotate {0} gives a new token",
                            name_)));
    std::printf("%s\n", token.c_str());
    std::fprintf(stderr, "This is the token of %s; only its hash is kept, so keep it now.\n%s",
                 name_.c_str(), rotate ? kStillKnown : "");
    return {};
  });
}

int UserCommands::disable() const {
  return database_.with_database([&](Database& database) -> Result<void> {
    const auto done = disable_user(database, name_);
    if (!done) return tl::make_unexpected(done.error());
    if (!*done)
      return tl::make_unexpected(
          wrong(fmt::format("there is no user {}: user list shows all", name_)));
    std::fprintf(stderr, "%s is disabled. %s", name_.c_str(), kStillKnown);
    return {};
  });
}

int UserCommands::list() const {
  return database_.with_database([](Database& database) -> Result<void> {
    const auto users = list_users(database);
    if (!users) return tl::make_unexpected(users.error());
    for (const User& user : *users)
      std::printf("%s%s\n", user.name.c_str(), user.disabled ? "  (disabled)" : "");
    return {};
  });
}

}  // namespace gateway::apps
