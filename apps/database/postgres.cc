#include <libpq-fe.h>
#include <poll.h>

#include <cerrno>
#include <cstdlib>

#include "apps/database/database.h"

namespace gateway::apps {
namespace {

struct ClearResult {
  void operator()(PGresult* result) const { PQclear(result); }
};
struct FinishConnection {
  void operator()(PGconn* connection) const { PQfinish(connection); }
};
struct FreeOptions {
  void operator()(PQconninfoOption* options) const { PQconninfoFree(options); }
};
using ServerAnswer = std::unique_ptr<PGresult, ClearResult>;
using SteadyTime = std::chrono::steady_clock::time_point;

// A host that vanished says nothing for a quarter of an hour: each question has its own end, or the
// few threads that ask would all hang.
constexpr std::chrono::seconds kAnswerTime(2);

bool has(const char* text, std::string_view bytes) {
  return text != nullptr && std::string_view(text).find(bytes) != std::string_view::npos;
}

// An unescaped '@' or '/' in a password moves the rest of it to the host, the port or the name of
// the database, and libpq repeats those when it complains: such a URL must not get that far.
Result<void> check_url(const std::string& url) {
  char* complaint = nullptr;
  const std::unique_ptr<PQconninfoOption, FreeOptions> options(
      PQconninfoParse(url.c_str(), &complaint));
  PQfreemem(complaint);
  bool good = options != nullptr;
  for (const PQconninfoOption* at = options.get(); good && at->keyword != nullptr; ++at) {
    const std::string_view name = at->keyword;
    if (name == "host" || name == "dbname") good = !has(at->val, "@");
    if (name == "port" && at->val != nullptr)
      good = std::string_view(at->val).find_first_not_of("0123456789,") == std::string_view::npos;
  }
  if (good) return {};
  return failure(ErrorCode::invalid_argument, Side::internal,
                 "the postgres:// URL cannot be read: in a user name or password write @ as %40, "
                 ": as %3A, / as %2F, # as %23, ? as %3F and % as %25");
}

bool readable(int socket) {
  pollfd watched{socket, POLLIN, 0};
  return ::poll(&watched, 1, 0) > 0;
}

Rows rows_of(const PGresult* result) {
  Rows rows(static_cast<std::size_t>(PQntuples(result)));
  for (std::size_t row = 0; row < rows.size(); ++row)
    for (int column = 0; column < PQnfields(result); ++column)
      rows[row].emplace_back(PQgetvalue(result, static_cast<int>(row), column));
  return rows;
}

class PostgresDatabase final : public Database {
 public:
  explicit PostgresDatabase(std::string url) : url_(std::move(url)) {}

  Result<Rows> run(const char* sql, const std::vector<std::string>& values) override {
    if (auto ready = make_ready(); !ready) return tl::make_unexpected(ready.error());
    std::vector<const char*> pointers;
    for (const std::string& value : values) pointers.push_back(value.c_str());
    if (PQsendQueryParams(connection_.get(), sql, static_cast<int>(pointers.size()), nullptr,
                          pointers.data(), nullptr, nullptr, 0) == 0)
      return broken();
    ServerAnswer answer;
    for (bool more = true; more;) {
      if (!await_answer()) {
        connection_.reset();  // its answer may still come: nobody else must take it for theirs
        return failure(ErrorCode::io_error, Side::internal, "PostgreSQL: no answer in time");
      }
      ServerAnswer next(PQgetResult(connection_.get()));
      more = next != nullptr;
      if (more) answer = std::move(next);
    }
    const ExecStatusType status = PQresultStatus(answer.get());
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) return broken();
    return rows_of(answer.get());
  }

  Result<Rows> read(const char* sql, const std::vector<std::string>& values) override {
    const bool was_open = !lost();
    auto rows = run(sql, values);
    const bool closed = was_open && connection_ != nullptr && lost();
    return rows || !closed || in_transaction_ ? std::move(rows) : run(sql, values);
  }

  Result<void> transaction(const std::function<Result<void>()>& work) override {
    if (auto begun = read("BEGIN", {}); !begun) return tl::make_unexpected(begun.error());
    in_transaction_ = true;
    auto done = work();
    auto ended = run(done ? "COMMIT" : "ROLLBACK", {});
    in_transaction_ = false;
    if (!done) return done;
    if (!ended) return tl::make_unexpected(ended.error());
    return {};
  }

  bool lost() const override { return PQstatus(connection_.get()) != CONNECTION_OK; }

  std::string product() const override { return product_; }
  Kind kind() const override { return Kind::postgres; }
  void wait_for_answers(std::chrono::seconds time) override { answer_time_ = time; }

 private:
  tl::unexpected<Error> broken() {
    std::string text = PQerrorMessage(connection_.get());
    while (!text.empty() && text.back() == '\n') text.pop_back();
    return failure(ErrorCode::io_error, Side::internal, "PostgreSQL: " + text);
  }

  Result<void> connect() {
    // Later ones win: a URL that says something else about the time-out is heeded.
    const char* const names[] = {"connect_timeout", "dbname", nullptr};
    const char* const values[] = {"2", url_.c_str(), nullptr};
    connection_.reset(PQconnectdbParams(names, values, 1));
    if (lost()) return broken();
    PQsetNoticeProcessor(
        connection_.get(), [](void*, const char*) {}, nullptr);
    // "15.14 (Debian 15.14-0+deb12u1)"
    const char* version = PQparameterStatus(connection_.get(), "server_version");
    const std::string_view text = version != nullptr ? version : "";
    product_ = "PostgreSQL " + std::string(text.substr(0, text.find(' ')));
    return {};
  }

  Result<void> make_ready() {
    // A server that ended has told so meanwhile: better heard before a statement goes out, which
    // could not be repeated.
    while (!lost() && readable(PQsocket(connection_.get())))
      if (PQconsumeInput(connection_.get()) == 0) break;
    if (!lost()) return {};
    if (in_transaction_)
      return failure(ErrorCode::io_error, Side::internal, "PostgreSQL: the connection was lost");
    return connect();
  }

  // True when a whole result is there, or the connection has failed and says so.
  bool await_answer() {
    const SteadyTime end = std::chrono::steady_clock::now() + answer_time_;
    while (PQisBusy(connection_.get()) != 0) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
          end - std::chrono::steady_clock::now());
      if (left.count() <= 0) return false;
      pollfd socket{PQsocket(connection_.get()), POLLIN, 0};
      const int ready = ::poll(&socket, 1, static_cast<int>(left.count()));
      if (ready < 0 && errno != EINTR) return false;
      if (ready > 0 && PQconsumeInput(connection_.get()) == 0) return true;
    }
    return true;
  }

  std::string url_;
  std::string product_;
  std::chrono::seconds answer_time_ = kAnswerTime;
  bool in_transaction_ = false;
  std::unique_ptr<PGconn, FinishConnection> connection_;
};

}  // namespace

Result<std::unique_ptr<Database>> open_postgres(const std::string& url) {
  if (auto checked = check_url(url); !checked) return tl::make_unexpected(checked.error());
  // libpq looks names up as the system does, which waits 5 s for each server, and more the second
  // time: longer than a stop may take. RES_OPTIONS of a deployment stays as it is.
  ::setenv("RES_OPTIONS", "timeout:1 attempts:2", 0);
  return std::make_unique<PostgresDatabase>(url);
}

}  // namespace gateway::apps
