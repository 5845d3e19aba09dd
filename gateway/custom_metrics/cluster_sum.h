#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/clock.h"
#include "gateway/base/result.h"
#include "gateway/custom_metrics/replica.h"
#include "gateway/custom_metrics/replica_rings.h"
#include "gateway/metrics/rate_window.h"

namespace gateway::custom_metrics {

struct ListedPeer {
  std::string name;
  bool terminating = false;
  bool operator==(const ListedPeer&) const = default;
};

/// Calls of an upstream that ended in the last minute, per second of it.
struct CallRates {
  double per_second = 0;
  double failed_per_second = 0;  ///< of those: answered 5xx, or not at all
  int window = 0;                ///< seconds; less than a minute while this process is younger
};

/// Requests of each route, and calls of each upstream, summed over all replicas of the gateway. No
/// I/O: whoever asks the peers tells what came of it. Control thread.
///
/// A number is never lower than the truth for want of hearing it:
///  * A peer that falls silent counts with its last minute as it was for kKept while it is listed.
///    Its clients have gone to others meanwhile and count twice: the safe side. Then it drops out.
///  * What arrived at a replica that is gone, restarted or dropped stays where it was in time, and
///    ages out of the windows.
///  * With fewer than half of the listed peers heard within kFresh nothing is answered
///    (no_endpoint, which is 503), nor before the first round: each listed peer has answered or
///    failed once, at most kFirstRound after the first list. A peer that is listed later may still
///    be starting: it is missed once it has answered, or after kKept.
///  * A terminating peer counts while it answers and is not missed when it does not.
///  * A peer that turns out to be this very process, or one that another address led to, is none.
///  * Nor is a rate answered of fewer seconds than kShortestKnown, which this process has counted.
/// A route that this replica or any other knows and nobody asks for is 0, others are not_found.
/// An endpoint's series is 0 until somebody tells of it: whoever asks knows that it is there.
class ClusterSum {
 public:
  static constexpr Duration kFresh = std::chrono::seconds(3);
  static constexpr Duration kKept = std::chrono::seconds(30);
  static constexpr Duration kFirstRound = std::chrono::seconds(5);
  /// The shortest window of a rate (see request_rate()).
  static constexpr int kShortestKnown = 5;
  /// Histograms are told for routes whose p99 was read so lately.
  static constexpr Duration kLatencyAsked = std::chrono::minutes(10);

  /// `clock` outlives it; `own_id` as ReplicaRings::id().
  ClusterSum(const Clock& clock, std::string own_id);

  // What whoever asks the peers tells.
  void set_peers(const std::vector<ListedPeer>& peers);
  void accept_own(const RingsReport& report, ReplicaRings::Names names,
                  ReplicaRings::Names upstreams);
  Result<void> accept(std::string_view peer, const RingsReport& report);
  void failed(std::string_view peer);
  RingsQuery question_for(std::string_view peer);
  RingsQuery question_for_own() { return own_.question(latency_routes()); }

  // What readers ask; several routes are one sum.
  Result<void> available();
  Result<RequestRate> rate(std::span<const std::string> routes);
  Result<std::int64_t> in_flight(std::span<const std::string> routes);
  /// Seconds, over the last minute. The first question finds no_endpoint: replicas tell histograms
  /// only from then on.
  Result<double> p99(std::span<const std::string> routes);
  /// The same for one route without keeping its histograms told any longer.
  Result<double> latency_as_read(const std::string& route);
  /// Both of one window, so that one divided by the other is the share that failed.
  Result<CallRates> calls(const std::string& upstream);
  bool reads_latency(std::string_view route) const { return latency_asked_.contains(route); }
  bool knows(std::string_view route);
  /// Of this replica, sorted.
  const std::vector<std::string>& routes() const { return *names_; }
  const std::vector<std::string>& upstreams() const { return *upstreams_; }

  struct PeerState {
    std::string name;
    std::string_view word;  ///< "fresh", "stale", "lost", "silent", "self", "double"
    Duration age{};         ///< since it was heard
    bool terminating = false;
  };
  std::vector<PeerState> peers();

 private:
  struct Peer {
    Replica replica;
    Instant listed_since{};
    bool terminating = false;
    bool missed_from_start = false;  ///< in the first list
    bool tried = false;              ///< answered or failed once
    bool answered = false;           ///< and is not lost since
    bool ever_answered = false;
  };
  using Peers = std::map<std::string, Peer, std::less<>>;

  void depart(Peer& peer);
  void expire();
  bool fresh(const Peer& peer) const {
    return peer.answered && now() - peer.replica.heard() <= kFresh;
  }
  bool missed(const Peer& peer) const;
  /// This process under one of its addresses, or a replica that a peer before it in the list is.
  bool counted_elsewhere(Peers::const_iterator peer) const;
  std::vector<const Replica*> counted();
  Result<void> check(std::span<const std::string> routes);
  RateHistory arrivals_of(std::span<const std::string> series);
  std::vector<std::string> latency_routes();
  Result<double> latency_of(std::span<const std::string> routes);
  bool latency_ready(const std::string& route, Instant asked,
                     const std::vector<const Replica*>& replicas) const;
  Instant now() const { return clock_.now(); }

  struct Asked {
    Instant since;
    Instant last;
  };

  const Clock& clock_;
  const std::string own_id_;
  Replica own_;
  ReplicaRings::Names names_ = std::make_shared<const std::vector<std::string>>();
  ReplicaRings::Names upstreams_ = std::make_shared<const std::vector<std::string>>();
  Peers peers_;
  std::vector<Replica> departed_;  ///< their arrivals age
  std::map<std::string, Asked, std::less<>> latency_asked_;
  bool listed_ = false;
  Instant first_listed_{};
};

}  // namespace gateway::custom_metrics
