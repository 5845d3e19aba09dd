#include "apps/database/database_flags.h"

#include <algorithm>
#include <cstdio>
#include <thread>

namespace gateway::apps {
namespace {

using std::chrono::milliseconds;
using SteadyTime = std::chrono::steady_clock::time_point;

int complain(const std::string& program, const Error& error) {
  std::fprintf(stderr, "%s: %s\n", program.c_str(), error.detail.c_str());
  return 1;
}

}  // namespace

DatabaseFlags::DatabaseFlags(App& app, Schema schema, std::string file)
    : program_(schema.program), schema_(schema), url_(std::move(file)) {
  option_ = app.flags()
                .add_option("--database", url_, "A file for SQLite, or a postgres:// URL")
                ->envname("DATABASE_URL")
                ->capture_default_str();
  CLI::App& command = app.command("migrate", "Bring the database's schema up to date and end",
                                  [this] { return migrate_command(); });
  command
      .add_option("--wait", wait_seconds_,
                  "For how many seconds a database that does not answer yet is tried again")
      ->capture_default_str();
}

int DatabaseFlags::with_database(const std::function<Result<void>(Database&)>& use) const {
  auto database = open_database(url_);
  if (!database) return complain(program_, database.error());
  const bool sqlite = (*database)->kind() == Database::Kind::sqlite;
  Result<void> done;
  if (sqlite) {
    if (auto migrated = migrate(**database, schema_); !migrated)
      done = tl::make_unexpected(migrated.error());
  } else {
    done = check_version(**database, schema_);
  }
  if (done) done = use(**database);
  return done ? 0 : complain(program_, done.error());
}

// A deployment starts the database and this at about the same time.
int DatabaseFlags::migrate_command() const {
  auto database = open_database(url_);
  if (!database) return complain(program_, database.error());
  const SteadyTime end = std::chrono::steady_clock::now() + std::chrono::seconds(wait_seconds_);
  milliseconds pause(100);
  while (true) {
    const auto taken = migrate(**database, schema_);
    if (taken) {
      std::printf("%s: the schema is at version %d (%d steps were missing)\n", program_.c_str(),
                  schema_.version(), *taken);
      return 0;
    }
    if (!(*database)->lost() || std::chrono::steady_clock::now() + pause > end)
      return complain(program_, taken.error());
    std::this_thread::sleep_for(pause);
    pause = std::min(2 * pause, milliseconds(2000));
  }
}

}  // namespace gateway::apps
