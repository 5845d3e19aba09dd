#include "gateway/runtime/event_loop.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <thread>

#include "gateway/runtime/fd_watcher.h"

namespace gateway {
namespace {

using std::chrono::milliseconds;

/// Appends its letter to a log when it is called or dies.
struct Note : Disposable {
  Note(std::string& note_log, char note_letter) : log(note_log), letter(note_letter) {}
  ~Note() override { log += letter; }
  void write() { log += letter; }
  std::string& log;
  char letter;
};

TEST(EventLoopTest, PostedTasksRunInOrderOnTheLoop) {
  EventLoop loop;
  std::string log;
  std::thread other([&] {
    for (char c = 'a'; c <= 'e'; ++c)
      loop.post([&log, &loop, c] {
        EXPECT_TRUE(loop.in_loop_thread());
        log += c;
      });
    loop.post([&] { loop.stop(); });
  });
  loop.run();
  other.join();
  EXPECT_EQ(log, "abcde");
}

TEST(EventLoopTest, StopFromAnotherThreadEndsTheRun) {
  EventLoop loop;
  std::thread other([&] { loop.stop(); });
  loop.run();
  other.join();
}

TEST(EventLoopTest, DeferredWorkRunsAtTheEndOfTheTurnAndDeathsAfterIt) {
  EventLoop loop;
  std::string log;
  Note work(log, 'w');
  Deferred deferred(Callback<>::bind<&Note::write>(&work));
  loop.post([&] {
    loop.free_later(new Note(log, 'd'));
    loop.defer(deferred);
    loop.defer(deferred);
    log += 't';
  });
  while (log.size() < 3) loop.run_once(milliseconds(100));
  EXPECT_EQ(log, "twd");
}

TEST(EventLoopTest, DeferredWorkThatDiesDoesNotRun) {
  EventLoop loop;
  std::string log;
  Note work(log, 'w');
  bool done = false;
  loop.post([&] {
    Deferred deferred(Callback<>::bind<&Note::write>(&work));
    loop.defer(deferred);
    done = true;
  });
  while (!done) loop.run_once(milliseconds(100));
  loop.run_once(milliseconds(0));
  EXPECT_EQ(log, "");
}

TEST(EventLoopTest, OneTurnHappensAtOneInstant) {
  EventLoop loop;
  bool done = false;
  loop.post([&] {
    const Instant first = loop.now();
    while (std::chrono::steady_clock::now() == first) {
    }
    EXPECT_EQ(loop.now(), first);
    loop.refresh_now();
    EXPECT_GT(loop.now(), first);
    done = true;
  });
  while (!done) loop.run_once(milliseconds(100));
}

TEST(EventLoopTest, TimersFire) {
  EventLoop loop;
  std::string log;
  Note note(log, 'n');
  Timer timer(Callback<>::bind<&Note::write>(&note));
  timer.arm(loop.timers(), milliseconds(20));
  const auto begin = std::chrono::steady_clock::now();
  while (log.empty()) loop.run_once(milliseconds(1000));
  EXPECT_GE(std::chrono::steady_clock::now() - begin, milliseconds(20));
}

/// Reads what a watched descriptor has, and closes the watcher when told.
struct Reader {
  void on_events(int events) {
    if ((events & FdWatcher::kReadable) == 0) return;
    char bytes[16];
    const auto count = ::read(fd, bytes, sizeof bytes);
    if (count > 0) text.append(bytes, static_cast<std::size_t>(count));
    if (count == 0) ended = true;
  }
  int fd = -1;
  std::string text;
  bool ended = false;
};

TEST(FdWatcherTest, TellsOfBytesAndOfTheEnd) {
  EventLoop loop;
  int pair[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
  Reader reader;
  reader.fd = pair[0];
  FdWatcher watcher;
  ASSERT_TRUE(watcher.open(loop, pair[0], Callback<int>::bind<&Reader::on_events>(&reader)));
  watcher.want(FdWatcher::kReadable);
  ASSERT_EQ(::write(pair[1], "abc", 3), 3);
  while (reader.text.size() < 3) loop.run_once(milliseconds(1000));
  ::close(pair[1]);
  while (!reader.ended) loop.run_once(milliseconds(1000));
  EXPECT_EQ(reader.text, "abc");
  watcher.close();
  watcher.close();
  loop.run_once(milliseconds(0));
  ::close(pair[0]);
}

// As when there is no memory for a further watch: whoever opens it closes its connection.
TEST(FdWatcherTest, SaysWhatCannotBeWatched) {
  EventLoop loop;
  const int file = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  Reader reader;
  FdWatcher watcher;
  EXPECT_FALSE(watcher.open(loop, file, Callback<int>::bind<&Reader::on_events>(&reader)));
  EXPECT_FALSE(watcher.is_open());
  watcher.want(FdWatcher::kReadable);
  loop.run_once(milliseconds(0));
  ::close(file);
}

}  // namespace
}  // namespace gateway
