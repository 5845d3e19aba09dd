// App A: the jobs service. Whoever calls it is let in by the gateway; it knows nothing of tokens.

#include "apps/common/app.h"

namespace {

using gateway::apps::Answer;
using gateway::apps::Reply;
using gateway::apps::Request;
using gateway::http::Method;

constexpr std::string_view kHello = "Hello there";
constexpr std::string_view kJobs = "Jobs:\nTitle: Devops\nDescription: Awesome\n";

Answer answer(const Request& request) {
  const bool reads = request.method == Method::get || request.method == Method::head;
  if (request.path == "/hello") {
    if (!reads)
      return {405, "Only GET is served here.\n", "text/plain; charset=utf-8", "GET, HEAD"};
    return {200, std::string(kHello), "text/plain; charset=utf-8", {}};
  }
  if (request.path == "/jobs") {
    if (!reads && request.method != Method::post)
      return {405, "Only GET and POST are served here.\n", "text/plain; charset=utf-8",
              "GET, HEAD, POST"};
    return {200, std::string(kJobs), "text/plain; charset=utf-8", {}};
  }
  return {404, "There is only /hello and /jobs.\n", "text/plain; charset=utf-8", {}};
}

}  // namespace

int main(int argc, char** argv) {
  gateway::apps::App app("app_a", "The jobs service: GET /hello and POST /jobs.");
  return app.run(
      argc, argv, [] { return gateway::Result<void>(); },
      [](const Request& request, const Reply& reply) { reply(answer(request)); },
      [] { return std::string(); });
}
