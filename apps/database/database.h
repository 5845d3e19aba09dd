#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/result.h"

namespace gateway::apps {

/// What an SQL statement found, as text; NULL is empty.
using Row = std::vector<std::string>;
using Rows = std::vector<Row>;

/// One connection to a service's database: PostgreSQL, or SQLite for a machine without one. One
/// thread at a time; every call may block on disk or network. Statements are written for both:
/// `$1`, `$2` … stand for values, which are never part of the text (a value's type is said with
/// CAST, not `::`). No error repeats a password.
class Database {
 public:
  enum class Kind { sqlite, postgres };

  virtual ~Database() = default;

  /// One statement. A connection that was lost is made again first, but not inside a transaction.
  virtual Result<Rows> run(const char* sql, const std::vector<std::string>& values = {}) = 0;
  /// The same for what changes nothing and may therefore be asked twice: the first question after
  /// the server was restarted is not the user's to lose.
  virtual Result<Rows> read(const char* sql, const std::vector<std::string>& values = {}) = 0;
  /// All of `work` or, when it fails, nothing. On SQLite one writer at a time from its beginning.
  virtual Result<void> transaction(const std::function<Result<void>()>& work) = 0;
  /// Whether it answers; a few seconds at most.
  Result<void> ping();

  /// After a failure: the server cannot be reached, so that others will fail alike.
  virtual bool lost() const = 0;
  /// "PostgreSQL 17.6", "SQLite 3.46.1"; empty before a server was reached.
  virtual std::string product() const = 0;
  virtual Kind kind() const = 0;
  /// How long a statement of PostgreSQL may take; two seconds if nothing is said.
  virtual void wait_for_answers(std::chrono::seconds time) = 0;
};

/// `database`: a path for SQLite (with or without `sqlite://`), or a `postgres://` URL; anything
/// else is refused. SQLite's file is opened or made; of PostgreSQL only the URL is looked at: it is
/// connected to with the first statement. Before threads that read the environment, in which it
/// leaves RES_OPTIONS for the system's resolver.
Result<std::unique_ptr<Database>> open_database(const std::string& database);

Result<std::unique_ptr<Database>> open_sqlite(const std::string& path);
Result<std::unique_ptr<Database>> open_postgres(const std::string& url);

}  // namespace gateway::apps
