#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "apps/database/database.h"

namespace gateway::apps {

/// One step of a schema, in the words of both databases. Steps are only ever added: a step that has
/// been delivered never changes. One statement each.
struct Migration {
  int version;
  std::string_view sqlite;
  std::string_view postgres;
};

struct Schema {
  std::string_view program;  ///< whose it is, for sentences that name it
  /// Where PostgreSQL keeps the version: two services may share a database. SQLite keeps it in the
  /// head of the file, which is one service's.
  std::string_view version_table;
  /// Of PostgreSQL: replicas that migrate take turns by this advisory lock. Any number that is
  /// ours.
  std::int64_t lock;
  std::span<const Migration> steps;

  int version() const { return steps.empty() ? 0 : steps.back().version; }
};

/// Brings the schema up to date and says how many steps that took. Any number of replicas may do so
/// at once: one does, the others wait and find it done. All steps or, when one fails, none.
Result<int> migrate(Database& database, const Schema& schema);

/// Fails, with the mend, when the schema is older than this program. A newer one is fine: while a
/// release is rolled out both programs serve.
Result<void> check_version(Database& database, const Schema& schema);

}  // namespace gateway::apps
