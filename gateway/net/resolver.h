#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "gateway/base/address.h"
#include "gateway/base/result.h"
#include "gateway/runtime/event_loop.h"
#include "gateway/runtime/fd_watcher.h"
#include "gateway/runtime/timer.h"

struct ares_channeldata;
struct ares_addrinfo;

namespace gateway::net {

/// Keeps names resolved by c-ares (/etc/hosts, then DNS, A and AAAA): asks again when the answer's
/// time to live is over, and after `longest` whatever it says: the name servers of container
/// engines promise minutes or a day for addresses that end with the container. Sooner after a
/// failure, so that a name that comes up is found within a second or two. Who listens keeps the
/// last good answer: a failure is told apart from an answer and never empties anything. Servers and
/// search domains are read again when the file that names them was changed. One loop (the control
/// thread's).
class Resolver {
 public:
  static constexpr Duration kShortest = std::chrono::seconds(1);
  static constexpr Duration kLongest = std::chrono::seconds(10);
  static constexpr Duration kRetryFirst = std::chrono::milliseconds(500);
  static constexpr Duration kRetryMost = std::chrono::seconds(10);

  struct Options {
    std::string servers;  ///< "127.0.0.1:5353,…" instead of those in `configuration`
    std::string configuration = "/etc/resolv.conf";
    std::uint16_t port = 53;  ///< of the servers in `configuration`
    Duration timeout = std::chrono::seconds(2);
    Duration longest = kLongest;  ///< at least kShortest
  };
  /// Each answer, sorted, never empty; also when nothing has changed.
  using Answered = std::function<void(const std::string& name, std::vector<IpAddress> addresses)>;
  /// The first failure after an answer, and each later one for another reason than the one before.
  /// The error does not repeat the name.
  using Failed = std::function<void(const std::string& name, const Error& error)>;

  Resolver(EventLoop& loop, Answered answered, Failed failed = {});
  Resolver(EventLoop& loop, Answered answered, Failed failed, const Options& options);
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  /// Replaces the names: new ones are asked for now, those that stay keep their schedule.
  void keep(const std::vector<std::string>& names);

 private:
  struct Query;
  struct Socket;
  using Channel = ares_channeldata*;

  Channel open_channel();
  void follow_configuration();
  void ask(Query& query);
  void on_answer(Query& query, int status, ares_addrinfo* list);
  void on_socket(int fd, bool readable, bool writable);
  void process(int fd, int events);
  void rearm_timeout();
  void on_timeout();

  EventLoop& loop_;
  Answered answered_;
  Failed failed_;
  const Options options_;
  Channel channel_ = nullptr;
  std::filesystem::file_time_type configured_{};  ///< of `configuration`, as the channel read it
  Timer timeout_;
  std::map<std::string, std::unique_ptr<Query>> queries_;
  std::map<int, std::unique_ptr<Socket>> sockets_;
};

}  // namespace gateway::net
