#include "apps/app_b/user_store.h"

namespace gateway::apps {

Result<std::unique_ptr<UserStore>> open_user_store(const std::string& database) {
  if (database.starts_with("postgres://") || database.starts_with("postgresql://"))
    return open_postgres_store(database);
  constexpr std::string_view kSqlite = "sqlite://";
  // Nothing of the value is repeated: what was meant for another database holds its password.
  const bool other_form =
      database.find("://") != std::string::npos || database.find('=') != std::string::npos;
  if (other_form && !database.starts_with(kSqlite))
    return failure(ErrorCode::invalid_argument, Side::internal,
                   "the database is neither a file nor a URL that begins with sqlite:// or "
                   "postgres:// (a list of host=, user= ... must be written as such a URL)");
  return open_sqlite_store(database.starts_with(kSqlite) ? database.substr(kSqlite.size())
                                                         : database);
}

}  // namespace gateway::apps
