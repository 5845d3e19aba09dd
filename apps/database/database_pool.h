#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "apps/database/schema.h"
#include "gateway/runtime/blocking_pool.h"

namespace gateway::apps {

/// A service's database, which may come and go: a few connections, used by as many threads, and one
/// more that watches. While the database is away every question fails at once and the watcher tries
/// again, with growing pauses; when it answers, questions pass again. What changes is said on
/// standard error.
class DatabasePool {
 public:
  static constexpr std::size_t kConnections = 4;
  static constexpr std::size_t kMostWaiting = 1024;

  struct Options {
    std::string url;  ///< as for open_database()
    Schema schema;
    /// Once, when the schema is there; until it succeeds no question passes.
    std::function<Result<void>(Database&)> prepare;
  };

  /// Fails on what no waiting mends: a URL that cannot be read, a file that cannot be opened, and
  /// `invalid_argument` from `prepare` when the database is there already. SQLite is migrated here;
  /// PostgreSQL must have been (`PROGRAM migrate`), for several replicas start at once.
  static Result<std::unique_ptr<DatabasePool>> open(Options options);
  ~DatabasePool();
  DatabasePool(const DatabasePool&) = delete;
  DatabasePool& operator=(const DatabasePool&) = delete;

  /// Any thread. `use(Database&)` runs on the pool and returns a Result, then `done` on `loop` with
  /// it. False: too many wait already and nothing will run. The loop outlives the pool.
  template <typename Use, typename Done>
  bool run(EventLoop& loop, Use use, Done done) {
    return threads_->run(
        loop,
        [this, use = std::move(use)]() -> std::invoke_result_t<Use&, Database&> {
          if (auto why = problem(); !why.empty())
            return failure(ErrorCode::io_error, Side::internal, std::move(why));
          auto database = take();
          auto result = use(*database);
          give_back(std::move(database), result ? nullptr : &result.error());
          return result;
        },
        std::move(done));
  }

  /// Empty: it answers. Else what is wrong, for /readyz. Any thread.
  std::string problem() const;
  /// "PostgreSQL 17.6"; empty before it was reached. Any thread.
  std::string product() const;

 private:
  explicit DatabasePool(Options options);
  Result<void> look();
  void watch();
  void note(const Result<void>& outcome);
  std::unique_ptr<Database> take();
  void give_back(std::unique_ptr<Database> database, const Error* error);

  const Options options_;
  std::unique_ptr<Database> watched_;  ///< the watcher's own connection
  bool prepared_ = false;              ///< the watcher's
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::string problem_;                          // guarded by mutex_
  std::string product_;                          // guarded by mutex_
  bool stopping_ = false;                        // guarded by mutex_
  std::vector<std::unique_ptr<Database>> free_;  // guarded by mutex_; as many as there are threads
  std::unique_ptr<BlockingPool> threads_;
  std::thread watcher_;
};

}  // namespace gateway::apps
