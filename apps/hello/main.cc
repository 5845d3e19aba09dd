// Hello: the public front of a service whose text comes from a private back end.

#include "apps/common/app.h"
#include "apps/hello/back_end.h"

namespace {

using gateway::Result;
using gateway::SocketAddress;
using gateway::apps::BackEnd;
using gateway::apps::Reply;
using gateway::apps::Request;
using gateway::http::Method;

constexpr const char* kPlain = "text/plain; charset=utf-8";

// What went wrong behind us is for our log; a client hears that it is worth another try.
void answer(const Request& request, const Reply& reply) {
  if (request.path != "/") return reply({404, "There is only /.\n", kPlain, {}});
  if (request.method != Method::get && request.method != Method::head)
    return reply({405, "Only GET is served here.\n", kPlain, "GET, HEAD"});
  static_cast<BackEnd*>(request.thread)->ask([reply](const Result<std::string>& text) {
    if (text) return reply({200, *text, kPlain, {}});
    std::fprintf(stderr, "hello: the back end: %s\n", text.error().detail.c_str());
    reply({503, "The greeting is not to be had at the moment; try again soon.\n", kPlain, {}});
  });
}

}  // namespace

int main(int argc, char** argv) {
  gateway::apps::App app("hello", "The public front: GET / answers what the back end says.");
  std::string back_end_text = "127.0.0.1:8000";
  SocketAddress back_end;
  app.flags()
      .add_option("--back-end", back_end_text, "Address and port of the back end")
      ->envname("BACK_END")
      ->capture_default_str();
  app.keep_for_each_thread(
      [&back_end](gateway::EventLoop& loop) { return std::make_unique<BackEnd>(loop, back_end); });
  const auto prepare = [&]() -> Result<void> {
    const auto parsed = SocketAddress::parse(back_end_text);
    if (!parsed)
      return gateway::failure(gateway::ErrorCode::invalid_argument, gateway::Side::internal,
                              "--back-end: " + parsed.error().detail + ", such as 127.0.0.1:8000");
    back_end = *parsed;
    return {};
  };
  return app.run(argc, argv, prepare, answer, [] { return std::string(); });
}
