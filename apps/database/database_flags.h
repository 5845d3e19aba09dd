#pragma once

#include <functional>
#include <string>

#include "apps/common/app.h"
#include "apps/database/schema.h"

namespace gateway::apps {

/// What every service with a database shares on its command line: `--database` (DATABASE_URL), and
/// `PROGRAM migrate`, which a deployment runs before its replicas start.
class DatabaseFlags {
 public:
  /// `file`: SQLite's, where nothing is said. Outlived by the app's run().
  DatabaseFlags(App& app, Schema schema, std::string file);

  const std::string& url() const { return url_; }
  /// Whether DATABASE_URL or --database said something.
  bool given() const { return option_->count() > 0; }
  const Schema& schema() const { return schema_; }

  /// For other commands: the database at hand, with its schema (SQLite's is made). A sentence on
  /// standard error and status 1 when there is none.
  int with_database(const std::function<Result<void>(Database&)>& use) const;

 private:
  int migrate_command() const;

  const std::string program_;
  const Schema schema_;
  std::string url_;
  unsigned wait_seconds_ = 30;
  CLI::Option* option_;
};

}  // namespace gateway::apps
