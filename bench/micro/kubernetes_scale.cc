// What a change of a big cluster costs on the control thread, from the store of objects to what
// workers are handed: the way of KubernetesMode and Control, without API server and sockets.
#include <fmt/format.h>
#include <malloc.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bench/micro/big_cluster.h"
#include "gateway/kubernetes/translator.h"
#include "gateway/runtime/event_loop.h"
#include "gateway/server/compile_services.h"
#include "gateway/server/default_certificate.h"
#include "gateway/server/kubernetes_mode.h"
#include "gateway/server/listeners.h"
#include "gateway/server/named_contents.h"
#include "gateway/server/policy_tables.h"
#include "gateway/server/upstream_files.h"

namespace gateway::bench {
namespace {

using Time = std::chrono::steady_clock;

// The goals of the product, and how far beyond them a build is broken.
constexpr double kChangeGoal = 50;    // ms
constexpr double kStartGoal = 3000;   // ms
constexpr double kMemoryGoal = 60e3;  // kB
constexpr double kBroken = 10;

constexpr const char* kConfiguration = R"(version: 1
listeners:
  - {name: http, address: "127.0.0.1:0"}
  - {name: https, address: "127.0.0.1:0", tls: {}}
filters: [{type: request_id}]
routes: []
)";

double milliseconds_since(Time::time_point begin) {
  return std::chrono::duration<double, std::milli>(Time::now() - begin).count();
}

double resident_kilobytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmRSS:")) return std::atof(line.c_str() + 6) * 1.024;
  return 0;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values.empty() ? 0 : values[values.size() / 2];
}

/// A control thread's share of the work.
class Control {
 public:
  Control() {
    auto base = config::load_text(
        "bench", kConfiguration, server::policy_tables(),
        [](std::string_view) -> std::optional<std::string> { return std::nullopt; });
    if (!base) std::exit((std::fputs("no configuration\n", stderr), 1));
    base_ = std::make_shared<const config::LoadedModel>(std::move(*base));
    auto made = server::make_default_certificate();
    if (!made) std::exit((std::fputs("no certificate\n", stderr), 1));
    self_made_ = std::make_shared<const config::PemPair>(std::move(*made));
    directory_.on_change([this](const upstream::EndpointSetPtr&) { ++sets_; });
  }

  kubernetes::Store& store() { return store_; }
  std::size_t routes() const { return snapshot_->model->routes.size(); }
  std::size_t sets() const { return sets_; }
  /// Of the last change, by step.
  double translated() const { return translated_; }
  double compiled() const { return compiled_; }

  void translate_and_compile() {
    const auto begin = Time::now();
    translation_ = std::make_shared<const kubernetes::Translation>(translator_.translate(store_));
    translated_ = milliseconds_since(begin);
    const auto compiling = Time::now();
    supply({translation_->endpoints, translation_->reserved});
    compile();
    compiled_ = milliseconds_since(compiling);
  }

  void change_endpoints() {
    auto update = translator_.endpoints(store_);
    if (!update) std::exit((std::fputs("endpoints alone are not enough\n", stderr), 1));
    supply(std::move(*update));
  }

 private:
  void supply(kubernetes::Translator::EndpointUpdate update) {
    directory_.reserve(update.reserved);
    for (const auto& [upstream, endpoints] : update.endpoints)
      directory_.supply(upstream, endpoints);
    endpoints_ = std::move(update);
  }

  void compile() {
    auto model = std::make_shared<config::Model>(base_->model);
    server::add_translation(*model, *translation_, self_made_);
    std::vector<config::Finding> findings;
    std::vector<Error> kept;
    auto prepared = listeners_.load(*model, true, findings, kept);
    auto client_tls = server::load_upstream_files(*model, library_, certificates_, snapshot_.get(),
                                                  findings, kept);
    auto contents = server::contents_of(*base_, *model, prepared.pairs, client_tls);
    if (snapshot_) {
      if (*snapshot_->model == *model && contents_ == contents)
        std::exit((std::fputs("nothing has changed\n", stderr), 1));
      (void)server::changes_between(*snapshot_->model, contents_, *model, contents);
    }
    auto snapshot = snapshot::compile(model, snapshot_ ? snapshot_->generation + 1 : 1,
                                      snapshot_.get(), services_, std::move(client_tls));
    if (!snapshot || !findings.empty()) std::exit((std::fputs("it does not compile\n", stderr), 1));
    if (!listeners_.open_sockets(prepared)) std::exit(1);
    plans_ = listeners_.plans(prepared, 0);
    directory_.configure(model->upstreams);
    listeners_.commit(std::move(prepared));
    snapshot_ = std::move(*snapshot);
    contents_ = std::move(contents);
  }

  EventLoop loop_;
  net::TlsLibrary library_;
  net::CertificateStore certificates_;
  server::ProcessCompileServices services_;
  upstream::EndpointRegistry registry_;
  upstream::EndpointDirectory directory_{registry_, loop_};
  server::Listeners listeners_{1, library_, certificates_};
  std::vector<server::ListenerPlan> plans_;
  std::shared_ptr<const config::LoadedModel> base_;
  std::shared_ptr<const config::PemPair> self_made_;
  kubernetes::Store store_;
  kubernetes::Translator translator_{BigCluster::settings(), &certificates_};
  std::shared_ptr<const kubernetes::Translation> translation_;
  kubernetes::Translator::EndpointUpdate endpoints_;
  std::shared_ptr<const snapshot::Snapshot> snapshot_;
  server::NamedContents contents_;
  std::size_t sets_ = 0;
  double translated_ = 0;
  double compiled_ = 0;
};

bool report(const char* what, double figure, double goal, const char* unit) {
  std::printf("%-28s %9.1f %s (goal: %.0f)\n", what, figure, unit, goal);
  return figure <= goal * kBroken;
}

bool measure(const ClusterSize& size, int rounds) {
  const BigCluster cluster(size);
  const double empty = resident_kilobytes();
  Control control;
  cluster.fill(control.store());
  const double filled = resident_kilobytes();
  const auto begin = Time::now();
  control.translate_and_compile();
  const double start = milliseconds_since(begin);
  ::malloc_trim(0);  // as KubernetesMode does when all is listed
  std::printf("%zu routes; the first translation %.1f ms, compiling %.1f ms\n", control.routes(),
              control.translated(), control.compiled());
  std::array<std::vector<double>, 3> times;
  std::vector<double> translating;
  std::vector<double> compiling;
  for (int round = 1; round <= rounds; ++round) {
    const int i = round * 7;
    const auto timed = [&](std::vector<double>& list, auto&& change) {
      const auto at = Time::now();
      change();
      list.push_back(milliseconds_since(at));
    };
    control.store().upsert(cluster.ingress(i % size.ingresses, round));
    timed(times[0], [&] { control.translate_and_compile(); });
    translating.push_back(control.translated());
    compiling.push_back(control.compiled());
    control.store().upsert(cluster.slice(i % size.services, round));
    const std::size_t sets = control.sets();
    timed(times[1], [&] { control.change_endpoints(); });
    if (control.sets() != sets + 1) return std::puts("not one endpoint set has changed"), false;
    if (size.certificates == 0) continue;
    control.store().upsert(cluster.secret(i % size.certificates, round));
    timed(times[2], [&] { control.translate_and_compile(); });
  }
  const double resident = resident_kilobytes();
  std::printf("an Ingress: translated in %.1f ms, compiled in %.1f ms\n", median(translating),
              median(compiling));
  std::printf("resident: %.1f MB before, %.1f MB with the objects\n", empty / 1e3, filled / 1e3);
  bool good = report("start", start, kStartGoal, "ms");
  good = report("an Ingress changes", median(times[0]), kChangeGoal, "ms") && good;
  good = report("endpoints change", median(times[1]), kChangeGoal, "ms") && good;
  if (size.certificates != 0)
    good = report("a certificate changes", median(times[2]), kChangeGoal, "ms") && good;
  return report("resident", resident / 1e3, kMemoryGoal / 1e3, "MB") && good;
}

}  // namespace
}  // namespace gateway::bench

// Ends with 1 when a figure is ten times what it should be.
int main(int argc, char** argv) {
  if (argc > 4)
    return std::fputs("usage: bench_kubernetes_scale [ROUNDS [PATHS [CERTIFICATES]]]\n", stderr), 2;
  gateway::bench::ClusterSize size;
  if (argc > 2) size.paths = std::atoi(argv[2]);
  if (argc > 3) size.certificates = std::atoi(argv[3]);
  return gateway::bench::measure(size, argc > 1 ? std::atoi(argv[1]) : 21) ? 0 : 1;
}
