#pragma once

#include <string>

#include "gateway/admin/admin_source.h"
#include "gateway/downstream/handler.h"

namespace gateway::admin {

/// Keeps what a handler answers.
class FakeStream final : public downstream::Stream {
 public:
  FakeStream(http::Method method, std::string_view path) {
    request_.method = method;
    request_.path = path;
    request_.target = path;
    request_.host = "127.0.0.1:9901";
    facts_.local = SocketAddress::parse("127.0.0.1:9901").value();
    facts_.tls = &tls_;
  }
  void add_header(http::HeaderId id, std::string_view value) {
    request_.headers.add(arena_, id, value);
  }
  std::string header(std::string_view name) const {
    const auto found = answer_headers.find(std::string(name));
    return found == answer_headers.end() ? "" : found->second;
  }

  http::RequestHead& request() override { return request_; }
  Arena& arena() override { return arena_; }
  const downstream::ConnectionFacts& connection() const override { return facts_; }
  EventLoop& loop() override { return loop_; }
  Instant started() const override { return loop_.now(); }
  void send_informational(int, const http::HeaderList&) override {}
  void send_continue() override {}
  Result<void> send_head(const http::ResponseHead& head) override {
    status = head.status;
    for (const http::Header& field : head.headers)
      answer_headers[std::string(field.name)] = std::string(field.value);
    return {};
  }
  void send_body(std::string_view bytes) override { body.append(bytes); }
  void send_end(const http::HeaderList*) override { ended = true; }
  void reset(const Error&) override { ended = true; }
  bool writable() const override { return true; }
  void pause_body() override {}
  void resume_body() override {}
  void close_after() override {}

  int status = 0;
  std::string body;
  std::map<std::string, std::string> answer_headers;
  bool ended = false;
  net::TlsFacts tls_;
  downstream::ConnectionFacts facts_;

 private:
  EventLoop loop_;
  Arena arena_;
  http::RequestHead request_;
};

class FakeSource final : public AdminSource {
 public:
  State state() override { return {ready, ready ? "ready" : "draining", 7, 2, "0.1.0"}; }
  Registry& registry() override { return registry_; }
  const config::Model* model() override { return &model_; }
  config::PolicyTables policies() override {
    static constexpr config::Field kFields[] = {
        {.name = "users", .text = "Who.", .secret = true},
        {.name = "realm", .text = "Where."},
        {.name = "timeout", .type = config::FieldType::duration, .text = "When."}};
    static constexpr config::Policy kFilters[] = {{"login", "Asks.", kFields}};
    return {kFilters, {}};
  }
  const upstream::EndpointDirectory& endpoints() override { return directory_; }
  std::string token() override { return token_; }
  void reload(std::function<void(const Reloaded&)> done) override { reloads.push_back(done); }
  void drain() override { ++drains; }

  bool ready = true;
  std::string token_ = "secret";
  int drains = 0;
  std::vector<std::function<void(const Reloaded&)>> reloads;
  FakeClock clock_;
  Registry registry_{1, clock_};
  config::Model model_;
  upstream::EndpointRegistry endpoint_registry_;
  upstream::EndpointDirectory directory_{endpoint_registry_, clock_};
};

}  // namespace gateway::admin
