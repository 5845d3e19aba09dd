#include "gateway/admin/admin_handler.h"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "gateway/admin/access.h"
#include "gateway/admin/listing.h"
#include "gateway/admin/page.h"
#include "gateway/admin/stats.h"
#include "gateway/downstream/local_reply.h"
#include "gateway/metrics/exposition.h"

namespace gateway::admin {
namespace {

using downstream::Stream;
using http::HeaderId;
using http::Method;

constexpr std::string_view kJson = "application/json";
constexpr std::string_view kText = "text/plain; charset=utf-8";

/// What to answer. `content_type` and header values are literals or live in the stream's arena.
struct Answer {
  int status = 200;
  std::string_view content_type = kText;
  std::string body;
};

// The answer of a page that only shows something.
struct Page {
  std::string_view path;
  Pages shown;
  Answer (*make)(AdminSource& source);
};

constexpr Page kPages[] = {
    {"/healthz", Pages::health_and_metrics,
     [](AdminSource&) {
       return Answer{200, kText, "ok\n"};
     }},
    {"/readyz", Pages::health_and_metrics,
     [](AdminSource& source) {
       const AdminSource::State state = source.state();
       return Answer{state.ready ? 200 : 503, kText, std::string(state.word) + "\n"};
     }},
    {"/metrics", Pages::health_and_metrics,
     [](AdminSource& source) {
       return Answer{200, kExpositionType, exposition(source.registry())};
     }},
    {"/stats", Pages::all,
     [](AdminSource& source) {
       return Answer{200, kJson, stats_json(source)};
     }},
    {"/config", Pages::all,
     [](AdminSource& source) {
       return Answer{200, kJson, config_json(source)};
     }},
    {"/routes", Pages::all,
     [](AdminSource& source) {
       return Answer{200, kJson, routes_json(source)};
     }},
    {"/upstreams", Pages::all,
     [](AdminSource& source) {
       return Answer{200, kJson, upstreams_json(source)};
     }},
};

void add_safety(http::HeaderList& headers, Arena& arena) {
  headers.add(arena, "Cache-Control", "no-store");
  headers.add(arena, "X-Content-Type-Options", "nosniff");
  headers.add(arena, "Cross-Origin-Resource-Policy", "same-origin");
  headers.add(arena, "Referrer-Policy", "no-referrer");
}

/// One request. A reload's answer comes later, when this may be gone: `alive_` tells.
class AdminExchange final : public downstream::Exchange {
 public:
  AdminExchange(Stream& stream, AdminSource& source, Pages pages)
      : stream_(stream), source_(source), pages_(pages) {
    add_safety(headers_, stream.arena());
  }

  void answer() {
    const http::RequestHead& request = stream_.request();
    if (pages_ == Pages::health_and_metrics) return answer_anybody(request);
    const ErrorCode refusal = check_origin(request, stream_.connection());
    if (refusal != ErrorCode::none) return refuse(refusal);
    if (request.method == Method::get || request.method == Method::head) return show();
    if (request.path != "/reload" && request.path != "/drain") return not_allowed("GET, HEAD");
    if (request.method != Method::post) return not_allowed("POST");
    const ErrorCode denied = check_token(request, source_.token());
    if (denied != ErrorCode::none) return deny(denied);
    request.path == "/reload" ? reload() : drain();
  }

  // Bodies are not looked at.
  void on_request_body(std::string_view) override {}
  void on_request_trailers(http::HeaderList&) override {}
  void on_request_end() override {}
  void on_request_failed(const Error& error) override {
    if (!answered_) refuse(error.code);
  }
  void on_writable() override {}
  void on_abort(const Error&) override { answered_ = true; }

 private:
  // Whoever probes or scrapes names us as he likes.
  void answer_anybody(const http::RequestHead& request) {
    if (request.method != Method::get && request.method != Method::head)
      return not_allowed("GET, HEAD");
    show_listed();
  }

  void show() {
    const std::string_view path = stream_.request().path;
    if (path == "/") return show_page();
    if (path == "/reload" || path == "/drain") return not_allowed("POST");
    show_listed();
  }

  void show_listed() {
    const std::string_view path = stream_.request().path;
    const auto* page = std::find_if(std::begin(kPages), std::end(kPages), [&](const Page& each) {
      return each.path == path && (pages_ == Pages::all || pages_ == each.shown);
    });
    if (page == std::end(kPages)) return refuse(ErrorCode::no_route);
    send(page->make(source_));
  }

  void show_page() {
    WatchPage page = watch_page();
    headers_.add(stream_.arena(), "Content-Security-Policy", stream_.arena().copy(page.policy));
    headers_.add(stream_.arena(), "X-Frame-Options", "DENY");
    send({200, "text/html; charset=utf-8", std::move(page.html)});
  }

  // Whoever changes something leaves a trace.
  void note(std::string_view what) {
    const std::string peer = stream_.connection().peer.to_string();
    std::fprintf(stderr, "gateway: admin: %s asked for by %s\n", std::string(what).c_str(),
                 peer.c_str());
  }

  void reload() {
    note("reload");
    std::weak_ptr<AdminExchange*> self = alive_;
    source_.reload([self](const AdminSource::Reloaded& reloaded) {
      if (const auto exchange = self.lock()) (*exchange)->reloaded(reloaded);
    });
  }

  void reloaded(const AdminSource::Reloaded& reloaded) {
    if (answered_) return;
    const std::string_view result = !reloaded.ok ? "failed" : reloaded.changed ? "ok" : "unchanged";
    const nlohmann::ordered_json body = {{"ok", reloaded.ok},
                                         {"result", result},
                                         {"generation", reloaded.generation},
                                         {"message", reloaded.message}};
    send({reloaded.ok ? 200 : 422, kJson, dump(body)});
  }

  void drain() {
    note("drain");
    // First the answer: draining may end the process.
    send({202, kJson, "{\"ok\":true}\n"});
    source_.drain();
  }

  void deny(ErrorCode code) {
    if (code == ErrorCode::unauthenticated) {
      headers_.add(stream_.arena(), HeaderId::www_authenticate, "Bearer realm=\"admin\"");
      return refuse(code);
    }
    const config::Model* model = source_.model();
    if (model == nullptr || model->admin.token.empty())
      return refuse(code, "No admin token is configured, so nothing can be changed here.");
    std::fputs("gateway: admin: the token that admin.token names cannot be read\n", stderr);
    refuse(code, "The admin token cannot be read, so nothing can be changed here.");
  }

  void not_allowed(std::string_view methods) {
    headers_.add(stream_.arena(), "Allow", methods);
    refuse(ErrorCode::method_not_allowed);
  }

  void refuse(ErrorCode code, std::string_view text = {}) {
    answered_ = true;
    downstream::LocalReplyContent reply;
    reply.code = code;
    reply.text = text;
    reply.headers = &headers_;
    downstream::send_local_reply(stream_, reply);
  }

  void send(const Answer& answer) {
    answered_ = true;
    downstream::send_text(stream_, answer.status, answer.content_type, answer.body, &headers_);
  }

  Stream& stream_;
  AdminSource& source_;
  const Pages pages_;
  http::HeaderList headers_;
  bool answered_ = false;
  std::shared_ptr<AdminExchange*> alive_ = std::make_shared<AdminExchange*>(this);
};

}  // namespace

std::unique_ptr<downstream::Exchange> AdminHandler::begin(Stream& stream) {
  auto exchange = std::make_unique<AdminExchange>(stream, source_, pages_);
  exchange->answer();
  return exchange;
}

}  // namespace gateway::admin
