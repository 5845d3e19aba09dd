#include "gateway/custom_metrics/peers.h"

#include <fmt/format.h>

#include "gateway/upstream/call.h"

namespace gateway::custom_metrics {
namespace {

using upstream::Upstream;

// The replica alone, one kept connection, no second thoughts: the next round comes in a second.
LocalPtr<Upstream> upstream_of(EventLoop& loop, const Peer& peer, const config::UpstreamTls& tls,
                               std::shared_ptr<net::ClientTlsContext> context) {
  config::Upstream settings;
  settings.name = "peer " + peer.name;
  settings.balancer = {"round_robin", {}};
  // A kept connection that the peer closed just now costs no round.
  settings.retries.attempts = 1;
  settings.passive_health.enabled = false;
  settings.max_idle_connections = 1;
  settings.timeouts = {.connect = Peers::kDeadline,
                       .request = Peers::kDeadline,
                       .per_try = {},
                       .idle = std::chrono::seconds(30)};
  settings.tls = tls;
  auto set = std::make_shared<upstream::EndpointSet>();
  set->upstream = settings.name;
  set->load = std::make_shared<upstream::UpstreamLoad>();
  set->entries.push_back({std::make_shared<upstream::Endpoint>(settings.name, peer.address,
                                                               peer.address.ip().to_string(), ""),
                          1});
  LocalPtr<Upstream> made(
      new Upstream(loop, std::make_shared<const config::Upstream>(std::move(settings)),
                   std::move(context), nullptr));
  made->update(std::move(set));
  return made;
}

}  // namespace

/// One peer: its connection, and the question that is on its way.
class Peers::Pull final : private upstream::CallObserver {
 public:
  Pull(EventLoop& loop, ClusterSum& sum, Peer peer)
      : loop_(loop),
        sum_(sum),
        peer_(std::move(peer)),
        host_(peer_.address.to_string()),
        deadline_(Callback<>::bind<&Pull::on_deadline>(this)) {}

  const Peer& peer() const { return peer_; }
  void set_terminating(bool terminating) { peer_.terminating = terminating; }
  std::optional<std::string> problem() const {
    if (failures_ < kProblemRounds || peer_.terminating) return std::nullopt;
    const std::string at = peer_.name == host_ ? "" : fmt::format(" at {}", host_);
    return fmt::format("peer {}{} does not answer: {}", peer_.name, at, why_);
  }
  void connect(const config::UpstreamTls& settings, std::shared_ptr<net::ClientTlsContext> tls) {
    give_up();
    upstream_ = upstream_of(loop_, peer_, settings, std::move(tls));
  }

  /// A question that is not answered yet goes on: the deadline ends it.
  void ask() {
    if (call_ && call_->active()) return;
    answer_.clear();
    status_ = 0;
    question_ = encode(sum_.question_for(peer_.name));
    fill_head();
    deadline_.arm(loop_.timers(), kDeadline);
    call_.emplace();
    call_->start(upstream_, head_, *this, {});
    if (!call_->active()) return;
    call_->write_body(question_);
    call_->end_body(nullptr);
  }

 private:
  void fill_head() {
    arena_.reset();
    head_ = {};
    head_.method = http::Method::post;
    head_.target = head_.path = kRingsPath;
    head_.host = host_;
    head_.body = {http::Framing::length, question_.size()};
    head_.headers.add(arena_, http::HeaderId::host, host_);
    head_.headers.add(arena_, http::HeaderId::content_type, "application/json");
  }

  void give_up() {
    if (call_) call_->cancel();
    deadline_.cancel();
  }
  void on_deadline() {
    give_up();
    fail(fmt::format("nothing within {} ms", kDeadline / std::chrono::milliseconds(1)));
  }
  void fail(std::string why) {
    deadline_.cancel();
    why_ = std::move(why);
    ++failures_;
    sum_.failed(peer_.name);
  }

  void on_call_ready() override {}
  void on_informational(http::ResponseHead& /*head*/) override {}
  void on_response_head(http::ResponseHead& head) override { status_ = head.status; }
  void on_response_body(std::string_view bytes) override {
    answer_.append(bytes);
    if (answer_.size() <= kMostReportBytes) return;
    give_up();
    fail(fmt::format("more than {} bytes", kMostReportBytes));
  }
  void on_response_trailers(http::HeaderList& /*trailers*/) override {}
  void on_response_end() override {
    if (status_ != 200) return fail(fmt::format("status {}", status_));
    const auto report = decode_report(answer_);
    if (!report) return fail(report.error().detail);
    if (auto accepted = sum_.accept(peer_.name, *report); !accepted)
      return fail(accepted.error().detail);
    deadline_.cancel();
    failures_ = 0;
  }
  void on_call_failed(const Error& error) override { fail(error.to_string()); }
  void on_call_writable() override {}

  EventLoop& loop_;
  ClusterSum& sum_;
  Peer peer_;
  const std::string host_;
  LocalPtr<Upstream> upstream_;
  Arena arena_;
  http::RequestHead head_;
  std::string question_;
  std::string answer_;
  int status_ = 0;
  int failures_ = 0;  ///< since the last answer
  std::string why_;   ///< of the last one
  Timer deadline_;
  std::optional<upstream::Call> call_;  // last: its end must not meet dead members
};

Peers::Peers(EventLoop& loop, ReplicaRings& rings, ClusterSum& sum,
             std::function<void()> after_round)
    : loop_(loop),
      rings_(rings),
      sum_(sum),
      after_round_(std::move(after_round)),
      timer_(Callback<>::bind<&Peers::round>(this)) {}

Peers::~Peers() = default;

void Peers::use_tls(const config::UpstreamTls& settings,
                    std::shared_ptr<net::ClientTlsContext> tls) {
  tls_settings_ = settings;
  tls_ = std::move(tls);
  for (auto& [name, pull] : pulls_) pull->connect(tls_settings_, tls_);
}

void Peers::set_peers(const std::vector<Peer>& peers) {
  std::map<std::string, std::unique_ptr<Pull>, std::less<>> kept;
  std::vector<ListedPeer> listed;
  for (const Peer& peer : peers) {
    if (kept.contains(peer.name)) continue;  // an endpoint may be in two slices for a moment
    listed.push_back({peer.name, peer.terminating});
    std::unique_ptr<Pull>& pull = kept[peer.name];
    const auto known = pulls_.find(peer.name);
    if (known != pulls_.end() && known->second && known->second->peer().address == peer.address)
      pull = std::move(known->second);
    if (pull) {
      pull->set_terminating(peer.terminating);
      continue;
    }
    pull = std::make_unique<Pull>(loop_, sum_, peer);
    pull->connect(tls_settings_, tls_);
  }
  pulls_ = std::move(kept);
  sum_.set_peers(listed);
  if (!timer_.armed()) round();
}

std::map<std::string, std::string> Peers::problems() const {
  std::map<std::string, std::string> problems;
  for (const auto& [name, pull] : pulls_)
    if (auto problem = pull->problem()) problems.emplace(name, std::move(*problem));
  return problems;
}

void Peers::round() {
  timer_.arm(loop_.timers(), kRound);
  auto names = rings_.names();
  auto upstreams = rings_.upstreams();
  sum_.accept_own(rings_.report(sum_.question_for_own()), std::move(names), std::move(upstreams));
  for (auto& [name, pull] : pulls_) pull->ask();
  after_round_();
}

}  // namespace gateway::custom_metrics
