#include "apps/app_b/user_store.h"

namespace gateway::apps {

Result<std::unique_ptr<UserStore>> open_user_store(const std::string& database) {
  if (database.starts_with("postgres://") || database.starts_with("postgresql://"))
    return open_postgres_store(database);
  constexpr std::string_view kSqlite = "sqlite://";
  return open_sqlite_store(database.starts_with(kSqlite) ? database.substr(kSqlite.size())
                                                         : database);
}

}  // namespace gateway::apps
