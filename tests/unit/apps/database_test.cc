#include "apps/database/database.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <string>

#include "tests/support/temporary_folder.h"

namespace gateway::apps {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string refusal(const std::string& database) {
  const auto opened = open_database(database);
  EXPECT_FALSE(opened.has_value()) << database;
  return opened ? "" : opened.error().detail;
}

TEST(Database, OtherDatabasesAreRefusedWithoutRepeatingTheirPassword) {
  for (const char* database : {
           "mysql://app:hunter2@db/users",
           "host=db user=app password=hunter2",
           "postgres://app:hunter2@more@db/users",
           "postgres://app:x/hunter2@db/users",
           "postgres://app:hunter2%zz@db/users",
           "postgres://app:hunter2@[db/users",
           "postgresql://db/users?password=hunter2&nonsense=1",
       }) {
    EXPECT_THAT(refusal(database), Not(HasSubstr("hunter2"))) << database;
    EXPECT_FALSE(std::filesystem::exists(database)) << database;
  }
}

TEST(Database, SaysWhatFormsThereAre) {
  EXPECT_THAT(refusal("host=db user=app"), HasSubstr("postgres://"));
  EXPECT_THAT(refusal("postgres://app:a/b@db/users"), HasSubstr("%2F"));
}

TEST(Database, SqliteByPathAndByUrl) {
  const test::TemporaryFolder folder;
  const std::string path = folder.path("users.sqlite");
  {
    const auto made = open_database(path);
    ASSERT_TRUE(made.has_value());
    ASSERT_TRUE((*made)->run("CREATE TABLE things (name TEXT)").has_value());
    ASSERT_TRUE((*made)->run("INSERT INTO things VALUES ($1)", {"one"}).has_value());
  }
  const auto again = open_database("sqlite://" + path);
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ((*again)->read("SELECT name FROM things").value(), (Rows{{"one"}}));
  EXPECT_THAT((*again)->product(), HasSubstr("SQLite 3."));
}

/// A host that takes connections and never says a word, as one whose network went away.
class SilentHost {
 public:
  SilentHost() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(fd_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(fd_, 16), 0);
    EXPECT_EQ(::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
  }
  ~SilentHost() { ::close(fd_); }
  std::uint16_t port() const { return port_; }

 private:
  int fd_;
  std::uint16_t port_ = 0;
};

TEST(Database, AHostThatIsSilentIsGivenUp) {
  const SilentHost host;
  const auto database =
      open_database("postgres://app@127.0.0.1:" + std::to_string(host.port()) + "/users");
  ASSERT_TRUE(database.has_value()) << "the network is not asked yet";
  const auto answered = (*database)->ping();
  ASSERT_FALSE(answered.has_value());
  EXPECT_THAT(answered.error().detail, HasSubstr("timeout"));
  EXPECT_TRUE((*database)->lost());
}

TEST(Database, ValuesAreNeverPartOfAStatement) {
  const auto database = open_database(":memory:");
  ASSERT_TRUE((*database)->run("CREATE TABLE things (name TEXT)").has_value());
  const std::string hostile = "'); DROP TABLE things; --";
  ASSERT_TRUE((*database)->run("INSERT INTO things VALUES ($1)", {hostile}).has_value());
  EXPECT_EQ((*database)->read("SELECT name FROM things WHERE name = $1", {hostile}).value(),
            (Rows{{hostile}}));
}

TEST(Database, ATransactionThatFailsChangesNothing) {
  const auto database = open_database(":memory:");
  ASSERT_TRUE((*database)->run("CREATE TABLE things (name TEXT)").has_value());
  const auto done = (*database)->transaction([&]() -> Result<void> {
    EXPECT_TRUE((*database)->run("INSERT INTO things VALUES ('one')").has_value());
    return failure(ErrorCode::canceled, Side::internal, "no more");
  });
  EXPECT_EQ(done.error().detail, "no more");
  EXPECT_EQ((*database)->read("SELECT count(*) FROM things").value(), (Rows{{"0"}}));
}

}  // namespace
}  // namespace gateway::apps
