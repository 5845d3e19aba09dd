#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include "gateway/downstream/handler.h"
#include "gateway/metrics/access_log.h"
#include "gateway/metrics/registry.h"
#include "gateway/server/service.h"

/// What the sample services share: flags, /healthz, /readyz, /metrics (on a listener of their own,
/// too), JSON log, graceful end, and a request with its whole body instead of a stream. Each
/// service is a function from request to answer.
namespace gateway::apps {

/// What a service keeps for each of its threads, such as connections to others: made, used and
/// destroyed on that thread's loop.
class ThreadState {
 public:
  virtual ~ThreadState() = default;
};

struct Request {
  http::Method method = http::Method::get;
  std::string_view path;
  std::string_view content_type;
  std::string_view body;
  std::string_view request_id;
  EventLoop& loop;  ///< of the connection's thread
  const downstream::ConnectionFacts& connection;
  const http::RequestHead& head;
  ThreadState* thread = nullptr;  ///< null: the service keeps none
};

struct Answer {
  int status = 200;
  std::string body;
  std::string content_type = "text/plain; charset=utf-8";
  std::string allow;  ///< with 405
  std::vector<std::pair<std::string, std::string>> headers = {};
};

/// Takes the answer, once, on the request's loop; may be called at once or later, also when the
/// client has gone meanwhile.
using Reply = std::function<void(Answer)>;

class App {
 public:
  /// `name` appears in the log and as the route of all numbers.
  App(std::string name, std::string description);

  /// For flags of the service's own, before run().
  CLI::App& flags() { return flags_; }
  /// `NAME command`: does something and ends with the status, instead of serving. Before run(); the
  /// service's flags may stand behind it.
  CLI::App& command(const std::string& name, const std::string& text, std::function<int()> act);
  /// The same below a command of the service's own, such as `user` of `user add`.
  CLI::App& command(CLI::App& parent, const std::string& name, const std::string& text,
                    std::function<int()> act);
  /// Called on every thread. Views in the request live until the reply.
  using Answerer = std::function<void(const Request& request, Reply reply)>;
  /// Nothing wrong: empty; else why the service is not ready. Called on any thread.
  using Readiness = std::function<std::string()>;
  /// After the flags are known, before anything is bound; the error ends the program.
  using Prepare = std::function<Result<void>()>;
  using MakeThreadState = std::function<std::unique_ptr<ThreadState>(EventLoop& loop)>;
  /// Before run().
  void keep_for_each_thread(MakeThreadState make) { make_thread_state_ = std::move(make); }

  int run(int argc, char** argv, const Prepare& prepare, Answerer answer, Readiness readiness);

 private:
  friend class AppExchange;
  friend class AppHandler;
  friend class ProbeHandler;
  Result<server::Service::Options> options() const;
  Result<config::Listener> probe_listener(const SocketAddress& beside) const;
  Answer service_page(std::string_view path) const;
  int health() const;
  void make_registry();

  std::string name_;
  CLI::App flags_;
  std::string listen_ = "127.0.0.1:5000";
  std::string probe_listen_;
  std::string certificate_;
  std::string key_;
  std::string client_ca_;
  std::string log_ = "stdout";
  unsigned threads_ = 1;
  unsigned drain_delay_ms_ = 2000;
  std::vector<std::pair<CLI::App*, std::function<int()>>> commands_;
  MakeThreadState make_thread_state_;
  Answerer answer_;
  Readiness readiness_;
  std::unique_ptr<server::Service> service_;
  std::unique_ptr<Registry> registry_;
};

}  // namespace gateway::apps
