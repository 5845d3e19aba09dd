#include "apps/database/database.h"

namespace gateway::apps {

Result<void> Database::ping() {
  auto done = read("SELECT 1");
  if (!done) return tl::make_unexpected(done.error());
  return {};
}

Result<std::unique_ptr<Database>> open_database(const std::string& database) {
  if (database.starts_with("postgres://") || database.starts_with("postgresql://"))
    return open_postgres(database);
  constexpr std::string_view kSqlite = "sqlite://";
  // Nothing of the value is repeated: what was meant for another database holds its password.
  const bool other_form =
      database.find("://") != std::string::npos || database.find('=') != std::string::npos;
  if (other_form && !database.starts_with(kSqlite))
    return failure(ErrorCode::invalid_argument, Side::internal,
                   "the database is neither a file nor a URL that begins with sqlite:// or "
                   "postgres:// (a list of host=, user= ... must be written as such a URL)");
  return open_sqlite(database.starts_with(kSqlite) ? database.substr(kSqlite.size()) : database);
}

}  // namespace gateway::apps
