#include "gateway/net/resolver.h"

#include <gtest/gtest.h>

#include "tests/support/temporary_folder.h"
#include "tests/unit/net/sockets.h"
#include "tests/unit/runtime/turns.h"

namespace gateway::net {
namespace {

/// A name server on a loopback port that gives every A question the same answer.
class NameServer {
 public:
  explicit NameServer(EventLoop& loop, std::uint32_t ip = INADDR_LOOPBACK, std::uint16_t port = 0)
      : fd_(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0)) {
    sockaddr_storage storage;
    const socklen_t size = SocketAddress(IpAddress::v4(ip), port).to_sockaddr(storage);
    GATEWAY_CHECK(::bind(fd_, reinterpret_cast<sockaddr*>(&storage), size) == 0);
    GATEWAY_CHECK(watcher_.open(loop, fd_, Callback<int>::bind<&NameServer::on_question>(this)));
    watcher_.want(FdWatcher::kReadable);
  }
  ~NameServer() {
    watcher_.close();
    ::close(fd_);
  }
  std::string address() const { return local_address(fd_).to_string(); }
  std::uint16_t port() const { return local_address(fd_).port(); }

  std::vector<std::string> addresses;     ///< four bytes each; empty: no such name
  const char* time_to_live = "\0\0\x01";  ///< three bytes: one second
  int questions = 0;
  bool mute = false;
  int muted = 0;  ///< questions left without an answer

 private:
  void on_question(int) {
    char bytes[512];
    sockaddr_storage from;
    socklen_t from_size = sizeof from;
    const ssize_t size =
        ::recvfrom(fd_, bytes, sizeof bytes, 0, reinterpret_cast<sockaddr*>(&from), &from_size);
    if (size < 17) return;
    if (mute) {
      ++muted;
      return;
    }
    ++questions;
    std::string answer(bytes, static_cast<std::size_t>(size));
    std::size_t end = 12;
    while (answer[end] != 0) end += static_cast<std::size_t>(answer[end]) + 1;
    const bool is_a = answer[end + 2] == 1;
    answer.resize(end + 5);
    const auto count = is_a ? addresses.size() : 0;
    answer[2] = '\x81';
    answer[3] = addresses.empty() ? '\x83' : '\x80';
    answer[7] = static_cast<char>(count);
    answer[8] = answer[9] = answer[10] = answer[11] = 0;
    for (std::size_t i = 0; i < count; ++i)
      answer += std::string("\xc0\x0c\0\x01\0\x01\0", 7) + std::string(time_to_live, 3) +
                std::string("\0\x04", 2) + addresses[i];
    ::sendto(fd_, answer.data(), answer.size(), 0, reinterpret_cast<sockaddr*>(&from), from_size);
  }

  int fd_;
  FdWatcher watcher_;
};

class ResolverTest : public testing::Test {
 protected:
  ResolverTest() : server_(loop_) {
    Resolver::Options options;
    options.servers = server_.address();
    options.longest = Resolver::kShortest;
    resolver_ = std::make_unique<Resolver>(
        loop_,
        [this](const std::string& name, std::vector<IpAddress> addresses) {
          ++answers_;
          std::string text = name;
          for (const IpAddress& each : addresses) text += ' ' + each.to_string();
          last_ = text;
        },
        [this](const std::string&, const Error& error) {
          ++failures_;
          last_failure_ = error.detail;
        },
        options);
  }
  bool until(const std::function<bool()>& done) { return run_until(loop_, done); }

  EventLoop loop_;
  NameServer server_;
  std::unique_ptr<Resolver> resolver_;
  int answers_ = 0;
  int failures_ = 0;
  std::string last_;
  std::string last_failure_;
};

TEST_F(ResolverTest, AnswersSortedAndWithoutDoubles) {
  server_.addresses = {"\x0a\x01\x01\x02", "\x0a\x01\x01\x01", "\x0a\x01\x01\x02"};
  resolver_->keep({"app.test."});
  EXPECT_EQ(answers_, 0) << "never from inside the call";
  ASSERT_TRUE(until([&] { return answers_ == 1; }));
  EXPECT_EQ(last_, "app.test. 10.1.1.1 10.1.1.2");
}

TEST_F(ResolverTest, AsksAgainWhenTheTimeToLiveIsOver) {
  server_.addresses = {"\x0a\x01\x01\x01"};
  resolver_->keep({"app.test."});
  ASSERT_TRUE(until([&] { return answers_ == 1; }));
  server_.addresses = {"\x0a\x01\x01\x09"};
  ASSERT_TRUE(until([&] { return answers_ == 2; }));
  EXPECT_EQ(last_, "app.test. 10.1.1.9");
}

TEST_F(ResolverTest, AsksAgainAfterTheLongestTimeWhateverTheTimeToLive) {
  server_.addresses = {"\x0a\x01\x01\x01"};
  server_.time_to_live = "\x01\x51\x80";  // a day
  resolver_->keep({"app.test."});
  ASSERT_TRUE(until([&] { return answers_ == 1; }));
  server_.addresses = {"\x0a\x01\x01\x09"};
  ASSERT_TRUE(until([&] { return answers_ == 2; }));
  EXPECT_EQ(last_, "app.test. 10.1.1.9");
}

TEST_F(ResolverTest, AFailureIsToldAndFollowedByAnotherTry) {
  resolver_->keep({"app.test."});
  ASSERT_TRUE(until([&] { return failures_ >= 1; }));
  EXPECT_EQ(answers_, 0);
  server_.addresses = {"\x0a\x01\x01\x01"};
  EXPECT_TRUE(until([&] { return answers_ == 1; }));
}

TEST_F(ResolverTest, AFailureIsToldOncePerOutage) {
  resolver_->keep({"app.test."});
  ASSERT_TRUE(until([&] { return failures_ >= 1; }));
  EXPECT_EQ(last_failure_.find("app.test"), std::string::npos) << "the name is told beside it";
  const int asked = server_.questions;
  ASSERT_TRUE(until([&] { return server_.questions >= asked + 4; })) << "two more tries";
  EXPECT_EQ(failures_, 1);
  server_.addresses = {"\x0a\x01\x01\x01"};
  ASSERT_TRUE(until([&] { return answers_ == 1; }));
  server_.addresses = {};
  EXPECT_TRUE(until([&] { return failures_ == 2; })) << "another outage";
}

TEST_F(ResolverTest, NamesThatAreDroppedAreNotAskedForAgain) {
  server_.addresses = {"\x0a\x01\x01\x01"};
  resolver_->keep({"one.test.", "two.test."});
  ASSERT_TRUE(until([&] { return answers_ == 2; }));
  resolver_->keep({"two.test."});
  ASSERT_TRUE(until([&] { return answers_ == 4; }));
  EXPECT_EQ(last_, "two.test. 10.1.1.1");
}

TEST_F(ResolverTest, KnowsTheHostsFile) {
  resolver_->keep({"localhost"});
  ASSERT_TRUE(until([&] { return answers_ == 1; }));
  EXPECT_NE(last_.find("127.0.0.1"), std::string::npos);
  EXPECT_EQ(server_.questions, 0);
}

TEST_F(ResolverTest, FollowsAChangedConfiguration) {
  NameServer other(loop_, INADDR_LOOPBACK + 1, server_.port());
  server_.addresses = {"\x0a\x01\x01\x01"};
  other.addresses = {"\x0a\x02\x02\x02"};
  const test::TemporaryFolder folder;
  Resolver::Options options;
  options.configuration = folder.write("resolv.conf", "nameserver 127.0.0.1\n");
  options.port = server_.port();
  options.timeout = std::chrono::milliseconds(100);
  std::map<std::string, std::string> heard;
  Resolver resolver(
      loop_,
      [&](const std::string& name, std::vector<IpAddress> addresses) {
        heard[name] = addresses.front().to_string();
      },
      {}, options);
  resolver.keep({"app.test.", "mute.test."});
  ASSERT_TRUE(until([&] { return heard.size() == 2; }));
  EXPECT_EQ(heard["app.test."], "10.1.1.1");
  // Questions that are open when the servers change are asked of the new ones.
  server_.mute = true;
  ASSERT_TRUE(until([&] { return server_.muted >= 1; }));
  folder.write("resolv.conf.new", "nameserver 127.0.0.2\n");
  std::filesystem::rename(folder.path("resolv.conf.new"), options.configuration);
  EXPECT_TRUE(
      until([&] { return heard["app.test."] == "10.2.2.2" && heard["mute.test."] == "10.2.2.2"; }));
}

TEST_F(ResolverTest, DiesWithQuestionsOpen) {
  resolver_->keep({"app.test."});
  loop_.run_once(std::chrono::milliseconds(20));
  resolver_.reset();
  loop_.run_once(std::chrono::milliseconds(20));
  EXPECT_EQ(answers_, 0);
}

}  // namespace
}  // namespace gateway::net
