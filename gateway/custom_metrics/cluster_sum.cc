#include "gateway/custom_metrics/cluster_sum.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <utility>

namespace gateway::custom_metrics {
namespace {

constexpr Duration kMinute = std::chrono::seconds(std::tuple_size_v<RateHistory>);

tl::unexpected<Error> unavailable(std::string why) {
  return failure(ErrorCode::no_endpoint, Side::internal, std::move(why), true);
}

std::uint32_t whole_seconds(Duration duration) {
  return static_cast<std::uint32_t>(duration / std::chrono::seconds(1));
}

}  // namespace

ClusterSum::ClusterSum(const Clock& clock, std::string own_id)
    : clock_(clock), own_id_(std::move(own_id)) {}

void ClusterSum::set_peers(const std::vector<ListedPeer>& listed) {
  Peers kept;
  for (const ListedPeer& each : listed) {
    auto known = peers_.find(each.name);
    Peer& peer = kept[each.name];
    if (known != peers_.end()) {
      peer = std::move(known->second);
      peers_.erase(known);
    } else {
      peer.listed_since = now();
      peer.missed_from_start = !listed_;
    }
    peer.terminating = each.terminating;
  }
  Peers left = std::exchange(peers_, std::move(kept));
  for (auto& [name, gone] : left) depart(gone);
  if (!listed_) first_listed_ = now();
  listed_ = true;
}

void ClusterSum::accept_own(const RingsReport& report, ReplicaRings::Names names,
                            ReplicaRings::Names upstreams) {
  // Its own seconds do not run backwards.
  (void)own_.apply(report, now());
  names_ = std::move(names);
  upstreams_ = std::move(upstreams);
}

Result<void> ClusterSum::accept(std::string_view name, const RingsReport& report) {
  const auto found = peers_.find(name);
  if (found == peers_.end()) return {};  // it left the list while its answer was on its way
  Peer& peer = found->second;
  peer.tried = true;
  if (peer.answered && peer.replica.id() != report.replica) depart(peer);
  if (auto applied = peer.replica.apply(report, now()); !applied) return applied;
  peer.answered = peer.ever_answered = true;
  // It is back, and has told its minute anew.
  std::erase_if(departed_, [&](const Replica& gone) { return gone.id() == report.replica; });
  return {};
}

void ClusterSum::failed(std::string_view name) {
  const auto found = peers_.find(name);
  if (found == peers_.end()) return;
  found->second.tried = true;
  if (found->second.terminating) depart(found->second);
}

RingsQuery ClusterSum::question_for(std::string_view name) {
  const auto found = peers_.find(name);
  if (found == peers_.end()) return {};
  return found->second.replica.question(latency_routes());
}

// No longer part of the sum as it was; its arrivals stay what they were.
void ClusterSum::depart(Peer& peer) {
  const std::string& id = peer.replica.id();
  const bool counted_on = std::ranges::any_of(peers_, [&](const auto& other) {
    return &other.second != &peer && other.second.answered && other.second.replica.id() == id;
  });
  const bool known =
      std::ranges::any_of(departed_, [&](const Replica& gone) { return gone.id() == id; });
  if (peer.answered && id != own_id_ && !counted_on && !known)
    departed_.push_back(std::move(peer.replica));
  peer.replica = Replica();
  peer.answered = false;
}

void ClusterSum::expire() {
  for (auto& [name, peer] : peers_)
    if (peer.answered && now() - peer.replica.heard() >= kKept) depart(peer);
  std::erase_if(departed_, [this](const Replica& gone) { return now() - gone.heard() >= kMinute; });
  std::erase_if(latency_asked_,
                [this](const auto& each) { return now() - each.second.last >= kLatencyAsked; });
}

bool ClusterSum::counted_elsewhere(Peers::const_iterator peer) const {
  const std::string& id = peer->second.replica.id();
  if (id == own_id_) return true;
  return !id.empty() && std::any_of(peers_.begin(), peer, [&id](const auto& other) {
    return other.second.replica.id() == id;
  });
}

bool ClusterSum::missed(const Peer& peer) const {
  if (peer.terminating) return false;
  return peer.missed_from_start || peer.ever_answered || now() - peer.listed_since >= kKept;
}

std::vector<const Replica*> ClusterSum::counted() {
  std::vector<const Replica*> all{&own_};
  for (auto at = peers_.begin(); at != peers_.end(); ++at)
    if (at->second.answered && !counted_elsewhere(at)) all.push_back(&at->second.replica);
  return all;
}

Result<void> ClusterSum::available() {
  expire();
  if (own_.id().empty() || !listed_) return unavailable("the replicas are not known yet");
  std::size_t untried = 0;
  std::size_t wanted = 0;
  std::size_t heard = 0;
  for (auto at = peers_.begin(); at != peers_.end(); ++at) {
    const Peer& peer = at->second;
    if (counted_elsewhere(at)) continue;
    if (peer.missed_from_start && !peer.tried) ++untried;
    const bool is_fresh = fresh(peer);
    if (is_fresh || missed(peer)) ++wanted;
    if (is_fresh) ++heard;
  }
  if (untried > 0 && now() - first_listed_ < kFirstRound)
    return unavailable("the first round of the replicas is not over");
  if (2 * heard < wanted)
    return unavailable(fmt::format("only {} of {} other replicas answer", heard, wanted));
  return {};
}

bool ClusterSum::knows(std::string_view route) {
  if (std::ranges::binary_search(*names_, route, std::less<>())) return true;
  return std::ranges::any_of(counted(), [&](const Replica* each) { return each->knows(route); });
}

Result<void> ClusterSum::check(std::span<const std::string> routes) {
  if (auto ready = available(); !ready) return ready;
  for (const std::string& route : routes) {
    if (is_endpoint_series(route)) {
      if (knows(endpoint_series({})))
        return unavailable("a replica has more endpoints than it counts apart");
      continue;
    }
    if (!knows(route))
      return failure(ErrorCode::not_found, Side::internal, "there is no route " + route);
  }
  return {};
}

RateHistory ClusterSum::arrivals_of(std::span<const std::string> series) {
  RateHistory sum{};
  const auto replicas = counted();
  for (const std::string& each : series) {
    for (const Replica* replica : replicas) replica->add_arrivals(each, 0, sum);
    for (const Replica& gone : departed_)
      gone.add_arrivals(each, whole_seconds(now() - gone.heard()), sum);
  }
  return sum;
}

// This process knows no further back than it lives, and where it was restarted nobody else does.
Result<RequestRate> ClusterSum::rate(std::span<const std::string> routes) {
  if (auto checked = check(routes); !checked) return tl::make_unexpected(checked.error());
  if (own_.known_seconds() < kShortestKnown)
    return unavailable("this replica has counted for too short a time");
  return request_rate(arrivals_of(routes), own_.known_seconds());
}

// Not over the shortest window that says enough, as rate(): there would be two of them.
Result<CallRates> ClusterSum::calls(const std::string& upstream) {
  if (auto ready = available(); !ready) return tl::make_unexpected(ready.error());
  if (!std::ranges::binary_search(*upstreams_, upstream))
    return failure(ErrorCode::not_found, Side::internal, "there is no upstream " + upstream);
  const int window = own_.known_seconds();
  if (window < kShortestKnown) return unavailable("this replica has counted for too short a time");
  const auto per_second = [&](const std::string& series) {
    const RateHistory history = arrivals_of(std::span(&series, 1));
    return static_cast<double>(
               std::accumulate(history.begin(), history.begin() + window, std::uint64_t{0})) /
           window;
  };
  return CallRates{per_second(calls_series(upstream)), per_second(failures_series(upstream)),
                   window};
}

Result<std::int64_t> ClusterSum::in_flight(std::span<const std::string> routes) {
  if (auto checked = check(routes); !checked) return tl::make_unexpected(checked.error());
  std::int64_t sum = 0;
  for (const Replica* each : counted())
    for (const std::string& route : routes) sum += each->in_flight(route);
  return sum;
}

std::vector<std::string> ClusterSum::latency_routes() {
  expire();
  std::vector<std::string> names;
  names.reserve(latency_asked_.size());
  for (const auto& [name, asked] : latency_asked_) names.push_back(name);
  return names;
}

// Each replica has told two readings, or twice that it has none.
bool ClusterSum::latency_ready(const std::string& route, Instant asked,
                               const std::vector<const Replica*>& replicas) const {
  return std::ranges::all_of(replicas, [&](const Replica* each) {
    const LatencyWindow* window = each->latency(route);
    return window != nullptr ? window->ready() : each->heard_before() > asked;
  });
}

Result<double> ClusterSum::p99(std::span<const std::string> routes) {
  if (auto checked = check(routes); !checked) return tl::make_unexpected(checked.error());
  for (const std::string& route : routes) {
    if (!reads_latency(route) && latency_asked_.size() >= kMostLatencyRoutes)
      return unavailable("the latency of too many routes is read");
    latency_asked_.try_emplace(route, Asked{now(), now()}).first->second.last = now();
  }
  return latency_of(routes);
}

Result<double> ClusterSum::latency_as_read(const std::string& route) {
  const std::span one(&route, 1);
  if (auto checked = check(one); !checked) return tl::make_unexpected(checked.error());
  if (!reads_latency(route)) return unavailable("nobody reads that latency");
  return latency_of(one);
}

Result<double> ClusterSum::latency_of(std::span<const std::string> routes) {
  const auto replicas = counted();
  LatencyCounts sum{};
  for (const std::string& route : routes) {
    if (!latency_ready(route, latency_asked_.find(route)->second.since, replicas))
      return unavailable("the replicas have only just been asked for latencies");
    for (const Replica* each : replicas)
      if (const LatencyWindow* window = each->latency(route)) window->add_recent(sum);
  }
  return quantile(sum, 0.99);
}

std::vector<ClusterSum::PeerState> ClusterSum::peers() {
  expire();
  std::vector<PeerState> states;
  for (auto at = peers_.begin(); at != peers_.end(); ++at) {
    const auto& [name, peer] = *at;
    PeerState& state = states.emplace_back(PeerState{name, "silent", {}, peer.terminating});
    if (peer.answered) state.age = now() - peer.replica.heard();
    if (peer.replica.id() == own_id_)
      state.word = "self";
    else if (counted_elsewhere(at))
      state.word = "double";
    else if (fresh(peer))
      state.word = "fresh";
    else if (peer.answered)
      state.word = "stale";
    else if (peer.ever_answered)
      state.word = "lost";
  }
  return states;
}

}  // namespace gateway::custom_metrics
