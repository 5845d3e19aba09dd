// Visitors: a page that counts who sees it.

#include "apps/common/app.h"
#include "apps/database/database_flags.h"
#include "apps/database/database_pool.h"
#include "apps/visitors/page.h"
#include "gateway/filter/client_address.h"
#include "gateway/server/version.h"

namespace {

using gateway::Cidr;
using gateway::ErrorCode;
using gateway::Result;
using gateway::Side;
using gateway::apps::Answer;
using gateway::apps::Database;
using gateway::apps::DatabasePool;
using gateway::apps::PageFacts;
using gateway::apps::Reply;
using gateway::apps::Request;
using gateway::apps::Visits;
using gateway::http::Method;

constexpr const char* kPlain = "text/plain; charset=utf-8";

struct Settings {
  std::string owner_name;
  std::string owner_url;
  std::vector<std::string> trusted_texts;
  std::vector<Cidr> trusted;
  bool development = false;
};

void declare(CLI::App& flags, Settings& settings) {
  flags.add_option("--owner-name", settings.owner_name, "Whose page this is")->envname("USER_NAME");
  flags.add_option("--owner-url", settings.owner_url, "A link to the owner, http:// or https://")
      ->envname("USER_URL");
  flags
      .add_option("--trusted-proxies", settings.trusted_texts,
                  "Addresses or ranges, separated by commas, whose X-Forwarded-For is believed")
      ->delimiter(',')
      ->envname("TRUSTED_PROXIES");
  flags.add_flag("--development", settings.development,
                 "This is development: a file for SQLite will do where no database is given");
}

Result<void> wrong(std::string sentence) {
  return gateway::failure(ErrorCode::invalid_argument, Side::internal, std::move(sentence));
}

Result<void> check(Settings& settings, const gateway::apps::DatabaseFlags& database) {
  if (!database.given() && !settings.development)
    return wrong(
        "no database is given: set DATABASE_URL, or say --development to count in a file here");
  if (!settings.owner_url.empty() && !gateway::apps::is_web_address(settings.owner_url))
    return wrong("USER_URL must begin with http:// or https:// and have no spaces");
  for (const std::string& text : settings.trusted_texts) {
    const auto range = Cidr::parse(text);
    if (!range)
      return wrong("--trusted-proxies: " + text +
                   " is neither an address nor a range like 10.0.0.0/8");
    settings.trusted.push_back(*range);
  }
  return {};
}

Answer page(PageFacts facts, const Settings& settings) {
  facts.owner_name = settings.owner_name;
  facts.owner_url = settings.owner_url;
  facts.version = gateway::server::kVersion;
  Answer answer{facts.visits ? 200 : 503, render_page(facts), "text/html; charset=utf-8", {}};
  answer.headers = {{"Cache-Control", "no-store"},
                    {"Content-Security-Policy", gateway::apps::page_policy()},
                    {"Referrer-Policy", "no-referrer"},
                    {"X-Content-Type-Options", "nosniff"}};
  if (!facts.visits) answer.headers.emplace_back("Retry-After", "5");
  return answer;
}

Answer version() {
  Answer answer{200,
                "{\"version\": \"" + std::string(gateway::server::kVersion) + "\"}\n",
                "application/json",
                {}};
  answer.headers = {{"Cache-Control", "no-store"}};
  return answer;
}

// HEAD is not a visit: who asks so looks after the page, not at it.
void answer_page(const Request& request, DatabasePool& pool, const Settings& settings,
                 const Reply& reply) {
  const auto client =
      gateway::filter::client_address(request.connection, request.head, settings.trusted).address;
  const bool visit = request.method == Method::get;
  const bool queued = pool.run(
      request.loop,
      [visit, visitor = gateway::apps::visitor_name(client)](Database& at) {
        return visit ? count_visit(at, visitor) : read_visits(at, visitor);
      },
      [&pool, &settings, reply, shown = client.to_string()](const Result<Visits>& visits) {
        const std::string product = pool.product();
        PageFacts facts;
        if (visits) facts.visits = *visits;
        facts.client = shown;
        facts.database = product;
        reply(page(facts, settings));
      });
  if (!queued) reply({503, "Too many visitors at once.\n", kPlain, {}});
}

}  // namespace

int main(int argc, char** argv) {
  gateway::apps::App app("visitors", "A page that counts its visitors: GET / and GET /version.");
  gateway::apps::DatabaseFlags database(app, gateway::apps::visits_schema(), "visitors.sqlite");
  Settings settings;
  declare(app.flags(), settings);

  std::unique_ptr<DatabasePool> pool;
  const auto prepare = [&]() -> Result<void> {
    if (auto checked = check(settings, database); !checked) return checked;
    auto opened = DatabasePool::open({database.url(), database.schema(), {}});
    if (!opened) return tl::make_unexpected(opened.error());
    pool = std::move(*opened);
    return {};
  };
  const auto answer = [&](const Request& request, const Reply& reply) {
    if (request.path != "/" && request.path != "/version")
      return reply({404, "There is only / and /version.\n", kPlain, {}});
    if (request.method != Method::get && request.method != Method::head)
      return reply({405, "Only GET is served here.\n", kPlain, "GET, HEAD"});
    if (request.path == "/version") return reply(version());
    answer_page(request, *pool, settings, reply);
  };
  return app.run(argc, argv, prepare, answer, [&pool] { return pool->problem(); });
}
