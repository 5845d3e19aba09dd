#include "apps/database/database_pool.h"

#include <algorithm>
#include <cstdio>

namespace gateway::apps {
namespace {

using std::chrono::milliseconds;

constexpr const char* kNotAsked = "the database was not asked yet";
constexpr milliseconds kLook(1000);       // while all is well
constexpr milliseconds kFirstPause(100);  // doubled each time that it is away
constexpr milliseconds kLongestPause(2000);

// What a driver says names hosts and users: that is for the log. What we say of a schema or a token
// is for everybody who may ask.
std::string sentence_for(const Error& error) {
  return error.code == ErrorCode::io_error ? "the database does not answer" : error.detail;
}

}  // namespace

DatabasePool::DatabasePool(Options options) : options_(std::move(options)), problem_(kNotAsked) {}

Result<std::unique_ptr<DatabasePool>> DatabasePool::open(Options options) {
  std::unique_ptr<DatabasePool> pool(new DatabasePool(std::move(options)));
  for (std::size_t i = 0; i <= kConnections; ++i) {
    auto database = open_database(pool->options_.url);
    if (!database) return tl::make_unexpected(database.error());
    if (i == 0)
      pool->watched_ = std::move(*database);
    else
      pool->free_.push_back(std::move(*database));
  }
  const auto looked = pool->look();
  const bool hopeless = !looked && (looked.error().code == ErrorCode::invalid_argument ||
                                    pool->watched_->kind() == Database::Kind::sqlite);
  if (hopeless) return tl::make_unexpected(looked.error());
  pool->note(looked);
  pool->threads_ = std::make_unique<BlockingPool>(kConnections, kMostWaiting, "database");
  pool->watcher_ = std::thread([watched = pool.get()] { watched->watch(); });
  return pool;
}

DatabasePool::~DatabasePool() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (watcher_.joinable()) watcher_.join();
  threads_.reset();
}

// What makes it usable is done once; afterwards it is enough that it answers.
Result<void> DatabasePool::look() {
  if (prepared_) return watched_->ping();
  if (watched_->kind() == Database::Kind::sqlite) {
    if (auto done = migrate(*watched_, options_.schema); !done)
      return tl::make_unexpected(done.error());
  } else if (auto checked = check_version(*watched_, options_.schema); !checked) {
    return checked;
  }
  if (options_.prepare)
    if (auto done = options_.prepare(*watched_); !done) return done;
  prepared_ = true;
  return {};
}

void DatabasePool::watch() {
  milliseconds pause = kFirstPause;
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const bool well = problem_.empty();
    wake_.wait_for(lock, well ? kLook : pause,
                   [&] { return stopping_ || (well && !problem_.empty()); });
    pause = well ? kFirstPause : std::min(2 * pause, kLongestPause);
    if (stopping_) break;
    lock.unlock();
    note(look());
    lock.lock();
  }
}

void DatabasePool::note(const Result<void>& outcome) {
  std::string said;
  {
    const std::lock_guard lock(mutex_);
    const std::string now = outcome ? std::string() : sentence_for(outcome.error());
    if (now != problem_ && !(now.empty() && problem_ == kNotAsked))
      said =
          now.empty() ? "the database answers" : outcome.error().detail + " (will be tried again)";
    problem_ = now;
    if (outcome) product_ = watched_->product();
  }
  wake_.notify_all();
  if (!said.empty())
    std::fprintf(stderr, "%s: %s\n", std::string(options_.schema.program).c_str(), said.c_str());
}

std::string DatabasePool::problem() const {
  const std::lock_guard lock(mutex_);
  return problem_;
}

std::string DatabasePool::product() const {
  const std::lock_guard lock(mutex_);
  return product_;
}

std::unique_ptr<Database> DatabasePool::take() {
  const std::lock_guard lock(mutex_);
  auto database = std::move(free_.back());
  free_.pop_back();
  return database;
}

void DatabasePool::give_back(std::unique_ptr<Database> database, const Error* error) {
  const bool lost = error != nullptr && database->lost();
  {
    const std::lock_guard lock(mutex_);
    free_.push_back(std::move(database));
  }
  if (lost) note(tl::make_unexpected(*error));
}

}  // namespace gateway::apps
