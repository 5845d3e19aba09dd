#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/custom_metrics/cluster_sum.h"
#include "gateway/custom_metrics/replica_rings.h"
#include "gateway/metrics/registry.h"

namespace gateway::custom_metrics::test {

using namespace std::chrono_literals;

/// A replica of the gateway: its registry and what it tells.
class Process {
 public:
  Process(const Clock& clock, std::string id, const std::vector<std::string_view>& routes)
      : clock_(clock), registry_(1, clock), rings_(registry_, std::move(id)) {
    registry_.hold_routes(routes);
  }
  void arrive(std::string_view route, int count) {
    for (int i = 0; i < count; ++i) cells(route)->arrived(clock_.now());
  }
  std::shared_ptr<RouteCells> cells(std::string_view route) {
    return registry_.worker(0).route(route);
  }
  Registry& registry() { return registry_; }
  ReplicaRings& rings() { return rings_; }

 private:
  const Clock& clock_;
  Registry registry_;
  ReplicaRings rings_;
};

/// One process that sums, and its peers; messages pass through their written form.
class Cluster {
 public:
  explicit Cluster(std::vector<std::string_view> routes = {"jobs", "idle"})
      : routes_(std::move(routes)), own_(clock_, "own", routes_), sum_(clock_, "own") {}

  Process& add(const std::string& name) {
    return *(peers_[name] = std::make_unique<Process>(clock_, "id of " + name, routes_));
  }
  /// Another process under the same name.
  Process& restart(const std::string& name) {
    return *(peers_[name] = std::make_unique<Process>(clock_, "new id of " + name, routes_));
  }
  void list(const std::vector<ListedPeer>& listed) {
    listed_ = listed;
    sum_.set_peers(listed);
  }
  void list_all() {
    std::vector<ListedPeer> all;
    for (const auto& [name, process] : peers_) all.push_back({name});
    list(all);
  }
  void silence(const std::string& name) { silent_.push_back(name); }
  void wake(const std::string& name) { std::erase(silent_, name); }

  /// Everybody is asked once.
  void round() {
    sum_.accept_own(own_.rings().report(sum_.question_for_own()), own_.rings().names(),
                    own_.rings().upstreams());
    for (const ListedPeer& peer : listed_) ask(peer.name);
  }
  void ask(const std::string& name) {
    const auto found = peers_.find(name);
    const bool silent = std::find(silent_.begin(), silent_.end(), name) != silent_.end();
    if (silent || found == peers_.end()) return sum_.failed(name);
    const auto question = decode_query(encode(sum_.question_for(name)));
    const auto report = decode_report(encode(found->second->rings().report(*question)));
    if (!report || !sum_.accept(name, *report)) sum_.failed(name);
  }
  /// A second passes in which so many requests arrive at each, then a round.
  void second(int at_own = 0, int at_each_peer = 0) {
    own_.arrive("jobs", at_own);
    for (auto& [name, process] : peers_)
      if (std::find(silent_.begin(), silent_.end(), name) == silent_.end())
        process->arrive("jobs", at_each_peer);
    clock_.advance(1s);
    round();
  }
  void seconds(int count, int at_own = 0, int at_each_peer = 0) {
    for (int i = 0; i < count; ++i) second(at_own, at_each_peer);
  }

  Result<RequestRate> rate(const std::string& route = "jobs") {
    return sum_.rate(std::span(&route, 1));
  }
  double per_second(const std::string& route = "jobs") {
    const auto rate = this->rate(route);
    return rate ? rate->per_second : -1;
  }
  Result<double> p99(const std::string& route = "jobs") { return sum_.p99(std::span(&route, 1)); }
  std::int64_t in_flight(const std::string& route = "jobs") {
    return sum_.in_flight(std::span(&route, 1)).value_or(-1);
  }

  FakeClock& clock() { return clock_; }
  const FakeClock& clock() const { return clock_; }
  Process& own() { return own_; }
  Process& peer(const std::string& name) { return *peers_.at(name); }
  ClusterSum& sum() { return sum_; }

 private:
  FakeClock clock_;
  std::vector<std::string_view> routes_;
  Process own_;
  ClusterSum sum_;
  std::map<std::string, std::unique_ptr<Process>> peers_;
  std::vector<ListedPeer> listed_;
  std::vector<std::string> silent_;
};

}  // namespace gateway::custom_metrics::test
