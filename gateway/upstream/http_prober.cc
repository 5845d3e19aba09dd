#include "gateway/upstream/http_prober.h"

namespace gateway::upstream {
namespace {

/// An upstream of its own for one probe: the endpoint alone, no retries, nothing kept.
LocalPtr<Upstream> single(EventLoop& loop, const Endpoint& endpoint, Duration timeout,
                          config::Upstream settings, std::shared_ptr<net::ClientTlsContext> tls) {
  settings.balancer = {"round_robin", {}};
  settings.retries.attempts = 0;
  settings.limits = {};
  settings.passive_health.enabled = false;
  settings.max_idle_connections = 0;
  settings.timeouts = {.connect = timeout, .request = timeout, .per_try = {}, .idle = timeout};
  auto set = std::make_shared<EndpointSet>();
  set->upstream = settings.name;
  set->load = std::make_shared<UpstreamLoad>();
  set->entries.push_back({std::make_shared<Endpoint>(endpoint.upstream(), endpoint.address(),
                                                     endpoint.host(), endpoint.uid()),
                          1});
  LocalPtr<Upstream> upstream(
      new Upstream(loop, std::make_shared<const config::Upstream>(std::move(settings)),
                   std::move(tls), nullptr));
  upstream->update(std::move(set));
  return upstream;
}

std::string authority_of(const Endpoint& endpoint) {
  if (IpAddress::parse(endpoint.host())) return endpoint.label();
  return endpoint.host() + ":" + std::to_string(endpoint.address().port());
}

class HttpProbe final : public Probe, private CallObserver {
 public:
  HttpProbe(EventLoop& loop, LocalPtr<Upstream> upstream, const Endpoint& endpoint,
            const config::ActiveHealth& settings, Callback<bool> done)
      : done_(done),
        loop_(loop),
        host_(settings.host.empty() ? authority_of(endpoint) : settings.host),
        path_(settings.path),
        answer_(Callback<>::bind<&HttpProbe::answer>(this)),
        deadline_(Callback<>::bind<&HttpProbe::on_deadline>(this)) {
    fill_head();
    deadline_.arm(loop_.timers(), settings.timeout);
    if (upstream)
      call_.start(std::move(upstream), head_, *this, {});
    else
      finish(false);
  }

 private:
  void fill_head() {
    const std::size_t question = path_.find('?');
    head_.target = path_;
    head_.path = head_.target.substr(0, question);
    head_.has_query = question != std::string::npos;
    if (head_.has_query) head_.query = head_.target.substr(question + 1);
    head_.host = host_;
    head_.headers.add(arena_, http::HeaderId::host, host_);
    head_.headers.add(arena_, http::HeaderId::user_agent, "gateway-health");
  }

  // Never from within the caller's or the call's own call.
  void finish(bool good) {
    good_ = good;
    deadline_.cancel();
    loop_.defer(answer_);
  }
  void answer() { done_(good_); }

  void on_deadline() {
    call_.cancel();
    finish(false);
  }

  void on_call_ready() override {}
  void on_informational(http::ResponseHead& /*head*/) override {}
  void on_response_head(http::ResponseHead& head) override { status_ = head.status; }
  void on_response_body(std::string_view /*bytes*/) override {}
  void on_response_trailers(http::HeaderList& /*trailers*/) override {}
  void on_response_end() override { finish(status_ >= 200 && status_ < 400); }
  void on_call_failed(const Error& /*error*/) override { finish(false); }
  void on_call_writable() override {}

  Callback<bool> done_;
  EventLoop& loop_;
  Arena arena_;
  const std::string host_;
  const std::string path_;
  http::RequestHead head_;
  Deferred answer_;
  Timer deadline_;
  int status_ = 0;
  bool good_ = false;
  Call call_;  // last: its end must not meet dead members
};

}  // namespace

void HttpProber::configure(const config::SharedList<config::Upstream>& upstreams) {
  targets_.clear();
  for (const config::Upstream& upstream : upstreams)
    if (upstream.active_health) targets_[upstream.name].settings = upstream;
}

std::unique_ptr<Probe> HttpProber::probe(const Endpoint& endpoint,
                                         const config::ActiveHealth& settings,
                                         Callback<bool> done) {
  Target& target = targets_[endpoint.upstream()];
  const bool secure = target.settings.tls.has_value();
  if (secure && !target.tls) target.tls = tls_of_(endpoint.upstream());
  LocalPtr<Upstream> upstream;
  if (!secure || target.tls)
    upstream = single(loop_, endpoint, settings.timeout, target.settings, target.tls);
  return std::make_unique<HttpProbe>(loop_, std::move(upstream), endpoint, settings, done);
}

}  // namespace gateway::upstream
