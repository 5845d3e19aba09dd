#include "apps/app_b/user_store.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <string>

namespace gateway::apps {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string refusal(const std::string& database) {
  const auto opened = open_user_store(database);
  EXPECT_FALSE(opened.has_value()) << database;
  return opened ? "" : opened.error().detail;
}

TEST(UserStore, OtherDatabasesAreRefusedWithoutRepeatingTheirPassword) {
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

TEST(UserStore, SaysWhatFormsThereAre) {
  EXPECT_THAT(refusal("host=db user=app"), HasSubstr("postgres://"));
  EXPECT_THAT(refusal("postgres://app:a/b@db/users"), HasSubstr("%2F"));
}

TEST(UserStore, SqliteByPathAndByUrl) {
  const auto folder =
      std::filesystem::temp_directory_path() / ("user-store-" + std::to_string(::getpid()));
  std::filesystem::create_directory(folder);
  for (const std::string& prefix : {std::string(), std::string("sqlite://")}) {
    const auto store = open_user_store(prefix + (folder / "users.sqlite").string());
    ASSERT_TRUE(store.has_value());
    ASSERT_TRUE((*store)->migrate().has_value());
    ASSERT_TRUE((*store)->put_user("density", "mytoken").has_value());
    EXPECT_EQ((*store)->find_user("mytoken").value(), "density");
  }
  std::filesystem::remove_all(folder);
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

TEST(UserStore, AHostThatIsSilentIsGivenUp) {
  const SilentHost host;
  EXPECT_THAT(refusal("postgres://app@127.0.0.1:" + std::to_string(host.port()) + "/users"),
              HasSubstr("timeout"));
}

}  // namespace
}  // namespace gateway::apps
