#include "gateway/server/control.h"

#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include "gateway/net/tls_client.h"
#include "gateway/runtime/processors.h"
#include "gateway/server/access_log_file.h"
#include "gateway/server/facts.h"
#include "gateway/server/policy_tables.h"
#include "gateway/server/systemd.h"
#include "gateway/server/upstream_files.h"
#include "gateway/server/version.h"

namespace gateway::server {
namespace {

constexpr Duration kSweep = std::chrono::seconds(60);
// Three keys are kept, so a ticket works for one to two rotations: at most 12 hours.
constexpr Duration kTicketRotation = std::chrono::hours(4);
// Between the last invitation to connect and the close: handshakes under way end in this time, and
// first requests come.
constexpr Duration kSettle = std::chrono::milliseconds(200);

void say(std::string_view text) {
  std::fprintf(stderr, "%.*s\n", static_cast<int>(text.size()), text.data());
}

AccessLog::Settings log_settings(const config::AccessLog& log) {
  return {log.path,
          log.format == config::LogFormat::json ? AccessLogFormat::json : AccessLogFormat::text};
}

}  // namespace

Control::Control(std::string config_file, std::optional<KubernetesOptions> kubernetes)
    : config_file_(std::move(config_file)),
      kubernetes_(std::move(kubernetes)),
      directory_(endpoint_registry_, loop_),
      prober_(loop_, [this](const std::string& upstream) { return control_tls(upstream); }),
      active_health_(loop_.timers(), loop_.random(), prober_),
      admin_handler_(*this, admin::Pages::all),
      status_handler_(*this, admin::Pages::health_and_metrics),
      first_answers_(loop_),
      settle_timer_(Callback<>::bind<&Control::on_settled>(this)),
      closing_timer_(Callback<>::bind<&Control::stop_accepting>(this)),
      drain_timer_(Callback<>::bind<&Control::begin_closing>(this)),
      sweep_timer_(Callback<>::bind<&Control::on_sweep>(this)),
      ticket_timer_(Callback<>::bind<&Control::on_ticket_rotation>(this)) {}

Control::~Control() = default;

int Control::run() {
  if (!start()) return 1;
  loop_.run();
  for (auto& worker : workers_) worker->stop();
  for (auto& worker : workers_) worker->join();
  workers_.clear();
  admin_listener_.reset();
  cluster_.reset();
  status_listener_.reset();
  kubernetes_mode_.reset();
  loop_.run_once(Duration::zero());
  signals_.reset();
  folder_watch_.reset();
  resolver_.reset();
  access_log_.reset();
  return exit_status_;
}

bool Control::start() {
  // First of all: a signal that comes while the configuration is read waits for the loop.
  signals_ = std::make_unique<Signals>(loop_, std::vector{SIGHUP, SIGTERM, SIGINT, SIGUSR1},
                                       [this](int number) { on_signal(number); });
  auto reload = std::make_shared<Reload>();
  auto loaded = load(nullptr);
  if (!loaded) {
    std::fputs(config::format_all(loaded.error()).c_str(), stderr);
    return false;
  }
  make_parts(loaded->model);
  reload->loaded = std::make_shared<config::LoadedModel>(std::move(*loaded));
  if (kubernetes_ && !start_kubernetes(*reload)) return false;
  if (auto prepared = prepare(*reload); !prepared) {
    std::fputs(config::format_all(prepared.error()).c_str(), stderr);
    return false;
  }
  for (const auto open : {&Control::open_admin, &Control::open_status, &Control::open_cluster,
                          &Control::open_kubernetes}) {
    if (auto opened = (this->*open)(*reload->model); !opened) {
      say("gateway: " + opened.error().detail);
      return false;
    }
  }
  if (auto applied = access_log_->apply(log_settings(reload->model->access_log)); !applied) {
    say("gateway: " + applied.error().detail);
    return false;
  }
  const std::vector<int> processors = allowed_processors();
  for (std::size_t i = 0; i < workers_.size(); ++i)
    workers_[i]->start(reload->model->process.pin ? processors[i % processors.size()] : -1);
  sweep_timer_.arm(loop_.timers(), kSweep);
  ticket_timer_.arm(loop_.timers(), kTicketRotation);
  if (kubernetes_mode_) {
    // It was prepared to see that it can be; what is served comes when the cluster is known.
    kubernetes_mode_->start();
    return true;
  }
  reload->done = [this](const Reloaded& reloaded) { on_first_configuration(reloaded); };
  reloading_ = true;
  stage_on_workers(reload);
  return true;
}

tl::expected<config::LoadedModel, config::Problems> Control::load(
    std::vector<std::string>* paths) const {
  if (config_file_.empty())
    return config::load_text("built-in", default_kubernetes_configuration(), policy_tables(),
                             config::process_environment(), config::NamedFiles::open, paths);
  return config::load_file(config_file_, policy_tables(), config::process_environment(), paths);
}

void Control::on_first_configuration(const Reloaded& reloaded) {
  if (!reloaded.ok) {
    say("gateway: " + reloaded.message);
    return stop(draining_ ? 0 : 1);
  }
  first_answers_.when_heard(
      [this](const std::vector<std::string>& unresolved) { become_ready(unresolved); });
}

bool Control::start_kubernetes(Reload& base) {
  base_ = base.loaded;
  auto mode = KubernetesMode::make({loop_, tls_library_, certificates_, *registry_, directory_,
                                    [this] { on_objects_changed(); }},
                                   *kubernetes_, base.loaded->model);
  if (!mode) {
    say("gateway: " + mode.error().detail);
    return false;
  }
  kubernetes_mode_ = std::move(*mode);
  return true;
}

// One reload waits for its turn at most: it takes the objects as they are then.
void Control::on_objects_changed() {
  if (draining_) return;
  const bool waits = std::any_of(reloads_.begin(), reloads_.end(), [](const ReloadPtr& each) {
    return each->cause == Cause::objects_changed;
  });
  if (waits) return run_next_reload();
  reload(Cause::objects_changed, [this](const Reloaded& reloaded) {
    // Whatever is wrong with the first may be mended in the cluster.
    if (!reloaded.ok && !snapshot_)
      say("gateway: what the cluster asks for cannot be served: " + reloaded.message);
    if (reloaded.ok && !std::exchange(served_, true)) on_first_configuration(reloaded);
  });
}

void Control::become_ready(const std::vector<std::string>& unresolved) {
  if (draining_) return;
  if (!unresolved.empty())
    say(fmt::format("gateway: no name server has answered yet for {}",
                    fmt::join(unresolved, ", ")));
  ready_ = true;
  notify_service_manager("READY=1");
  say(fmt::format("gateway: serving with {} workers", workers_.size()));
}

void Control::make_parts(const config::Model& model) {
  const std::size_t count = model.process.workers != 0
                                ? model.process.workers
                                : std::max<std::size_t>(1, usable_processors());
  registry_ = std::make_unique<Registry>(count, loop_);
  access_log_ = std::make_unique<AccessLog>(registry_->log_writer());
  listeners_ = std::make_unique<Listeners>(count, tls_library_, certificates_);
  for (std::size_t i = 0; i < count; ++i) {
    MetricsShard& shard = registry_->worker(i);
    workers_.push_back(
        std::make_unique<Worker>(i, shard, &access_log_->add_shard(shard.process())));
  }
  resolver_ = std::make_unique<net::Resolver>(
      loop_,
      [this](const std::string& name, std::vector<IpAddress> addresses) {
        if (unresolvable_.erase(name) > 0) say(fmt::format("gateway: {} is resolved again", name));
        directory_.resolved(name, std::move(addresses));
        first_answers_.heard(name);
      },
      [this](const std::string& name, const Error& error) {
        say(fmt::format("gateway: cannot resolve {}: {}", name, error.detail));
        unresolvable_.insert(name);
        first_answers_.heard(name);
      });
  folder_watch_ = std::make_unique<FolderWatch>(
      loop_, [this] { reload(Cause::files_changed, nullptr); },
      [](const std::string& problem) {
        say("gateway: " + problem + "; SIGHUP and POST /reload go on working");
      });
  endpoint_mirror_ = std::make_unique<admin::EndpointMirror>(registry_->control(), directory_);
  registry_->facts.build = {kVersion, kCommit};
  registry_->before_read([this] { before_read(); });
  directory_.on_change([this](const upstream::EndpointSetPtr& set) {
    for (auto& worker : workers_) worker->publish(set);
    active_health_.update(set);
  });
}

void Control::before_read() {
  endpoint_mirror_->update(loop_.now());
  ClusterService* in_cluster = kubernetes_mode_ ? kubernetes_mode_->cluster() : nullptr;
  read_facts({listeners_.get(), snapshot_.get(), cluster_ ? cluster_.get() : in_cluster},
             registry_->facts);
}

// The admin listener is the process's own: a reload does not move it, so that whoever asked for the
// reload hears the answer. So is that of the status.
Result<void> Control::open_admin(const config::Model& model) {
  if (!model.admin.address) return {};
  admin_address_ = model.admin.address;
  return LocalListener::open(loop_, "admin", *admin_address_, admin_handler_, admin_listener_);
}

Result<void> Control::open_status(const config::Model& model) {
  if (!model.status.address) return {};
  status_address_ = model.status.address;
  return LocalListener::open(loop_, "status", *status_address_, status_handler_, status_listener_);
}

// As the admin listener, and for the same reason: who asks for the sums goes on hearing them.
Result<void> Control::open_cluster(const config::Model& model) {
  if (!model.cluster) return {};
  cluster_ =
      std::make_unique<ClusterService>(loop_, *registry_, [this] { return cluster_token(); });
  cluster_address_ = model.cluster->listen;
  return cluster_->open(*cluster_address_);
}

Result<void> Control::open_kubernetes(const config::Model& /*model*/) {
  return kubernetes_mode_ ? kubernetes_mode_->open() : Result<void>();
}

std::string Control::cluster_token() {
  const config::Model* in_use = model();
  if (in_use == nullptr || !in_use->cluster || in_use->cluster->token.empty()) return {};
  auto secret = ProcessCompileServices::read_secret(in_use->cluster->token);
  return secret ? *secret : std::string();
}

Control::State Control::state() {
  State state;
  state.ready = ready_ && !draining_;
  state.word = draining_ ? "draining" : ready_ ? "ready" : "starting";
  state.generation = snapshot_ ? snapshot_->generation : 0;
  state.workers = static_cast<std::uint32_t>(workers_.size());
  state.version = kVersion;
  return state;
}

const config::Model* Control::model() { return snapshot_ ? snapshot_->model.get() : nullptr; }

config::PolicyTables Control::policies() { return policy_tables(); }

std::string Control::token() {
  if (!snapshot_ || snapshot_->model->admin.token.empty()) return {};
  auto secret = ProcessCompileServices::read_secret(snapshot_->model->admin.token);
  return secret ? *secret : std::string();
}

void Control::reload(Cause cause, ReloadDone done) {
  if (draining_) return refuse_reload(done);
  auto reload = std::make_shared<Reload>();
  reload->cause = cause;
  reload->done = std::move(done);
  reloads_.push_back(std::move(reload));
  run_next_reload();
}

void Control::refuse_reload(const ReloadDone& done) {
  const std::uint64_t generation = snapshot_ ? snapshot_->generation : 0;
  const std::string message = "the gateway is draining: its configuration stays";
  if (done) return done({false, generation, message, false});
  say("gateway: " + message);
}

void Control::run_next_reload() {
  if (reloading_ || reloads_.empty() || draining_) return;
  if (kubernetes_mode_ && !kubernetes_mode_->synced()) return;
  auto reload = std::move(reloads_.front());
  reloads_.pop_front();
  reloading_ = true;
  begin_reload(reload);
}

void Control::begin_reload(const ReloadPtr& reload) {
  if (reload->cause == Cause::objects_changed) {
    reload->loaded = base_;
  } else {
    auto loaded = load(&reload->paths);
    if (!loaded) return fail_reload(*reload, config::format_all(loaded.error()));
    reload->loaded = std::make_shared<config::LoadedModel>(std::move(*loaded));
  }
  const auto prepared = prepare(*reload);
  if (!prepared) return fail_reload(*reload, config::format_all(prepared.error()));
  *prepared == Verdict::unchanged ? leave_unchanged(*reload) : stage_on_workers(reload);
}

// Everything that can fail on this thread, before anything is changed.
tl::expected<Control::Verdict, config::Problems> Control::prepare(Reload& reload) {
  auto compiled = compile(reload);
  if (compiled) return *compiled;
  return tl::make_unexpected(reload.loaded->sources.problems(std::move(compiled.error())));
}

tl::expected<Control::Verdict, std::vector<config::Finding>> Control::compile(Reload& reload) {
  if (kubernetes_mode_) {
    auto merged = std::make_shared<config::Model>(reload.loaded->model);
    kubernetes_mode_->add_to(*merged);
    reload.model = std::move(merged);
  } else {
    reload.model = std::make_shared<const config::Model>(std::move(reload.loaded->model));
  }
  const config::Model& model = *reload.model;
  reload.paths = paths_of(*reload.loaded, model);
  auto findings = fixed_settings(model);
  std::vector<Error> kept;
  const bool halfway = reload.cause != Cause::asked;
  reload.prepared = listeners_->load(model, halfway, findings, kept);
  auto client_tls = load_upstream_files(model, tls_library_, certificates_,
                                        halfway ? snapshot_.get() : nullptr, findings, kept);
  // A log that is in use and broke since must not keep a renewed certificate out.
  if (!snapshot_ || snapshot_->model->access_log.path != model.access_log.path)
    check_access_log(model.access_log, findings);
  load_cluster(reload, halfway, findings, kept);
  for (const Error& error : kept) say("gateway: " + error.detail);
  if (!findings.empty()) return tl::make_unexpected(std::move(findings));
  reload.contents = contents_of(*reload.loaded, model, reload.prepared.pairs, client_tls);
  if (snapshot_) {
    if (*snapshot_->model == model && contents_ == reload.contents) return Verdict::unchanged;
    reload.changes = changes_between(*snapshot_->model, contents_, model, reload.contents);
  }
  const std::uint64_t generation = snapshot_ ? snapshot_->generation + 1 : 1;
  auto snapshot = snapshot::compile(reload.model, generation, snapshot_.get(), compile_services_,
                                    std::move(client_tls));
  if (!snapshot) return tl::make_unexpected(std::move(snapshot.error()));
  reload.snapshot = std::move(*snapshot);
  if (auto opened = listeners_->open_sockets(reload.prepared); !opened)
    return tl::make_unexpected(std::vector{std::move(opened.error())});
  return Verdict::changed;
}

// A pair that is being rewritten leaves the one in use.
void Control::load_cluster(Reload& reload, bool halfway, std::vector<config::Finding>& findings,
                           std::vector<Error>& kept) {
  const auto& section = reload.model->cluster;
  if (!section) return;
  auto prepared = ClusterService::prepare(*section, tls_library_, certificates_);
  if (prepared) {
    reload.cluster = std::move(*prepared);
  } else if (halfway && snapshot_ && snapshot_->model->cluster == section) {
    kept.emplace_back(ErrorCode::invalid_argument, Side::internal,
                      "cluster: " + prepared.error().message);
  } else {
    findings.push_back(std::move(prepared.error()));
  }
}

std::vector<config::Finding> Control::fixed_settings(const config::Model& model) const {
  std::vector<config::Finding> findings;
  if (!snapshot_) return findings;
  const config::Process& ours = snapshot_->model->process;
  const auto require = [&](bool same, std::string path) {
    if (!same)
      findings.push_back({std::move(path), "cannot change while the gateway runs: restart it"});
  };
  require(model.admin.address == admin_address_, "admin.address");
  require((model.cluster ? model.cluster->listen : std::nullopt) == cluster_address_,
          "cluster.listen");
  require(model.status.address == status_address_, "status.address");
  if (kubernetes_mode_)
    for (config::Finding& each : changed_entrances(*snapshot_->model, model))
      findings.push_back(std::move(each));
  require(model.process.workers == ours.workers, "process.workers");
  require(model.process.pin == ours.pin, "process.pin");
  return findings;
}

void Control::stage_on_workers(const ReloadPtr& reload) {
  reload->waiting_for = workers_.size();
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    WorkerUpdate update;
    update.snapshot = reload->snapshot;
    update.listeners = listeners_->plans(reload->prepared, i);
    workers_[i]->prepare(std::move(update), [this, reload, i](const Result<void>& staged) {
      loop_.post([this, reload, i, staged] { on_staged(reload, i, staged); });
    });
  }
}

void Control::on_staged(const ReloadPtr& reload, std::size_t worker, const Result<void>& staged) {
  if (!staged)
    reload->failed = fmt::format("worker {} cannot take it, so none has changed: {}", worker,
                                 staged.error().detail);
  if (--reload->waiting_for > 0) return;
  if (closing_) reload->failed = "the gateway is ending";
  if (reload->failed.empty()) return empty_queues(reload);
  for (auto& each : workers_) each->abandon();
  fail_reload(*reload, reload->failed);
}

// From here on nothing can fail. Sockets that will be closed get no new connection any more;
// whoever is in their queues is served before the workers swap.
void Control::empty_queues(const ReloadPtr& reload) {
  if (!listeners_->stop_inviting(&reload->prepared)) return commit_on_workers(reload);
  for (auto& worker : workers_) worker->announce_removals();
  settling_ = reload;
  settle_timer_.arm(loop_.timers(), kSettle);
}

void Control::on_settled() { commit_on_workers(std::exchange(settling_, nullptr)); }

void Control::commit_on_workers(const ReloadPtr& reload) {
  const auto& upstreams = reload->model->upstreams;
  prober_.configure(upstreams);
  active_health_.configure(upstreams);
  if (kubernetes_mode_) kubernetes_mode_->supply();
  directory_.configure(upstreams);
  const auto names = directory_.names();
  if (!snapshot_) first_answers_.expect(names);
  std::erase_if(unresolvable_,
                [&](const std::string& name) { return !std::ranges::binary_search(names, name); });
  resolver_->keep(names);
  Listeners::take_ticket_keys(reload->prepared);
  reload->waiting_for = workers_.size();
  for (auto& worker : workers_) {
    worker->commit([this, reload] {
      loop_.post([this, reload] {
        if (--reload->waiting_for == 0) finish_reload(*reload);
      });
    });
  }
}

void Control::finish_reload(Reload& reload) {
  listeners_->commit(std::move(reload.prepared));
  if (stopped_accepting_) listeners_->close_sockets();
  const bool first = snapshot_ == nullptr;
  snapshot_ = reload.snapshot;
  contents_ = std::move(reload.contents);
  if (kubernetes_mode_) base_ = reload.loaded;
  prober_.configure(snapshot_->model->upstreams);  // again: now it finds the new TLS files
  std::string message;
  if (!first) {
    message = reload.changes.to_string();
    say(fmt::format("gateway: configuration {} is in use: {}", snapshot_->generation, message));
    if (auto applied = access_log_->apply(log_settings(snapshot_->model->access_log)); !applied)
      say("gateway: " + applied.error().detail);
    registry_->control().process().reloads_ok.add();
  }
  registry_->control().process().generation.set(static_cast<std::int64_t>(snapshot_->generation));
  const auto names_of = [](const auto& list) {
    std::vector<std::string_view> names;
    for (const auto& each : list) names.push_back(each.name);
    return names;
  };
  registry_->hold_routes(names_of(snapshot_->model->routes));
  registry_->hold_upstreams(names_of(snapshot_->model->upstreams));
  if (reload.cluster) cluster_->use(std::move(*reload.cluster));
  watch(reload);
  end_reload(reload, {true, snapshot_->generation, std::move(message), true});
}

// The folders of certificates may have others in them than before.
void Control::leave_unchanged(Reload& reload) {
  // A log that could not be opened then may be possible now.
  if (auto applied = access_log_->apply(log_settings(snapshot_->model->access_log)); !applied)
    say("gateway: " + applied.error().detail);
  registry_->control().process().reloads_unchanged.add();
  watch(reload);
  end_reload(reload, {true, snapshot_->generation, "unchanged", false});
}

void Control::end_reload(Reload& reload, const Reloaded& reloaded) {
  reloading_ = false;
  refusal_.heard(reload.cause == Cause::objects_changed, reloaded.ok);
  registry_->control().process().refused.set(refusal_.lasts() ? 1 : 0);
  if (reload.done) reload.done(reloaded);
  run_next_reload();
}

void Control::watch(const Reload& reload) {
  watched_ = reload.paths;
  folder_watch_->watch(watched_);
}

// What a refused configuration waits for may still be on its way.
void Control::watch_too(const Reload& refused) {
  std::vector<std::string> paths = watched_;
  paths.insert(paths.end(), refused.paths.begin(), refused.paths.end());
  folder_watch_->watch(paths);
}

void Control::fail_reload(Reload& reload, std::string message) {
  registry_->control().process().reloads_failed.add();
  if (snapshot_) {
    say("gateway: the configuration stays as it was:\n" + message);
    watch_too(reload);
  }
  end_reload(reload, {false, snapshot_ ? snapshot_->generation : 0, std::move(message), false});
}

std::shared_ptr<net::ClientTlsContext> Control::control_tls(const std::string& name) {
  if (!snapshot_) return nullptr;
  const auto found = snapshot_->upstreams.find(name);
  if (found == snapshot_->upstreams.end() || !found->second->tls) return nullptr;
  const auto& files = *snapshot_->client_tls.find(name)->second;
  auto made = net::ClientTlsContext::make(tls_library_, *found->second->tls, files);
  return made ? std::shared_ptr<net::ClientTlsContext>(std::move(*made)) : nullptr;
}

void Control::on_sweep() {
  endpoint_registry_.sweep(loop_.now());
  registry_->refresh();
  sweep_timer_.arm(loop_.timers(), kSweep);
}

void Control::on_ticket_rotation() {
  listeners_->rotate_tickets();
  ticket_timer_.arm(loop_.timers(), kTicketRotation);
}

void Control::on_signal(int number) {
  switch (number) {
    case SIGHUP: return reload(Cause::asked, nullptr);
    case SIGUSR1:
      if (auto reopened = access_log_->reopen(); !reopened)
        say("gateway: " + reopened.error().detail);
      return;
    default:
      if (draining_) return stop(0);
      return drain();
  }
}

void Control::drain() {
  if (draining_) return;
  draining_ = true;
  registry_->control().process().draining.set(1);
  notify_service_manager("STOPPING=1");
  for (const ReloadPtr& waiting : std::exchange(reloads_, {})) refuse_reload(waiting->done);
  for (auto& worker : workers_) worker->announce_drain();
  if (kubernetes_mode_) kubernetes_mode_->drain();
  const Duration delay = snapshot_ ? snapshot_->model->process.drain.delay : Duration::zero();
  say("gateway: draining");
  drain_timer_.arm(loop_.timers(), delay);
}

// First the delay ends and the workers stop accepting; the second time it is the deadline.
void Control::begin_closing() {
  if (closing_) {
    say("gateway: the drain deadline is over, closing what is left");
    return stop(0);
  }
  closing_ = true;
  listeners_->stop_inviting(nullptr);
  closing_timer_.arm(loop_.timers(), kSettle);
  drain_timer_.arm(loop_.timers(), kSettle + (snapshot_ ? snapshot_->model->process.drain.deadline
                                                        : Duration::zero()));
}

void Control::stop_accepting() {
  accepting_ = undrained_ = workers_.size();
  for (auto& worker : workers_) {
    worker->drain(
        [this] {
          loop_.post([this] {
            if (--accepting_ > 0) return;
            stopped_accepting_ = true;
            listeners_->close_sockets();
          });
        },
        [this] {
          loop_.post([this] {
            if (--undrained_ == 0) stop(0);
          });
        });
  }
}

void Control::stop(int status) {
  exit_status_ = status;
  for (Timer* one : {&drain_timer_, &settle_timer_, &closing_timer_, &sweep_timer_, &ticket_timer_})
    one->cancel();
  loop_.stop();
}

}  // namespace gateway::server
