#include "gateway/server/control.h"

#include <fmt/format.h>
#include <signal.h>

#include <cstdio>

#include "gateway/config/tables.h"
#include "gateway/net/certificate_files.h"
#include "gateway/net/tls_client.h"
#include "gateway/runtime/processors.h"
#include "gateway/server/policy_tables.h"
#include "gateway/server/systemd.h"
#include "gateway/server/version.h"

namespace gateway::server {
namespace {

constexpr Duration kSweep = std::chrono::seconds(60);
// Three keys are kept, so a ticket works for one to two rotations: at most 12 hours.
constexpr Duration kTicketRotation = std::chrono::hours(4);

void say(std::string_view text) {
  std::fprintf(stderr, "%.*s\n", static_cast<int>(text.size()), text.data());
}

std::string describe_problems(const config::Problems& problems) {
  std::string text;
  for (const config::Problem& problem : problems) text += config::format(problem);
  return text;
}

AccessLog::Settings log_settings(const config::AccessLog& log) {
  return {log.path,
          log.format == config::LogFormat::json ? AccessLogFormat::json : AccessLogFormat::text};
}

}  // namespace

Control::Control(std::string config_file)
    : config_file_(std::move(config_file)),
      directory_(endpoint_registry_, loop_),
      prober_(loop_, [this](const std::string& upstream) { return control_tls(upstream); }),
      active_health_(loop_.timers(), loop_.random(), prober_),
      admin_handler_(*this),
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
  loop_.run_once(Duration::zero());
  signals_.reset();
  folder_watch_.reset();
  resolver_.reset();
  access_log_.reset();
  return exit_status_;
}

bool Control::start() {
  auto reload = std::make_unique<Reload>();
  auto loaded = config::load_file(config_file_, policy_tables(), config::process_environment());
  if (!loaded) {
    std::fputs(describe_problems(loaded.error()).c_str(), stderr);
    return false;
  }
  make_parts(loaded->model);
  if (auto applied = access_log_->apply(log_settings(loaded->model.access_log)); !applied) {
    say("gateway: " + applied.error().detail);
    return false;
  }
  reload->loaded = std::move(*loaded);
  reload->done = [this](const Reloaded& reloaded) {
    if (!reloaded.ok) {
      say("gateway: " + reloaded.message);
      return stop(1);
    }
    ready_ = true;
    notify_service_manager("READY=1");
    say(fmt::format("gateway: serving with {} workers", workers_.size()));
  };
  if (auto prepared = prepare(*reload); !prepared) {
    say("gateway: " + prepared.error().detail);
    return false;
  }
  if (auto opened = open_admin(*reload->model); !opened) {
    say("gateway: " + opened.error().detail);
    return false;
  }
  signals_ = std::make_unique<Signals>(loop_, std::vector{SIGHUP, SIGTERM, SIGINT, SIGUSR1},
                                       [this](int number) { on_signal(number); });
  const std::vector<int> processors = allowed_processors();
  for (std::size_t i = 0; i < workers_.size(); ++i)
    workers_[i]->start(reload->model->process.pin ? processors[i % processors.size()] : -1);
  reloading_ = true;
  hand_to_workers(std::move(reload));
  sweep_timer_.arm(loop_.timers(), kSweep);
  ticket_timer_.arm(loop_.timers(), kTicketRotation);
  return true;
}

void Control::make_parts(const config::Model& model) {
  const std::size_t count = model.process.workers != 0
                                ? model.process.workers
                                : std::max<std::size_t>(1, usable_processors());
  registry_ = std::make_unique<Registry>(count, loop_);
  access_log_ = std::make_unique<AccessLog>(registry_->control().process());
  listeners_ = std::make_unique<Listeners>(count);
  for (std::size_t i = 0; i < count; ++i) {
    MetricsShard& shard = registry_->worker(i);
    workers_.push_back(
        std::make_unique<Worker>(i, shard, &access_log_->add_shard(shard.process())));
  }
  resolver_ = std::make_unique<net::Resolver>(
      loop_,
      [this](const std::string& name, std::vector<IpAddress> addresses) {
        directory_.resolved(name, std::move(addresses));
      },
      [](const std::string& name, const Error& error) {
        say(fmt::format("gateway: cannot resolve {}: {}", name, error.detail));
      });
  folder_watch_ =
      std::make_unique<FolderWatch>(loop_, [this] { reload(Cause::files_changed, nullptr); });
  endpoint_mirror_ = std::make_unique<admin::EndpointMirror>(registry_->control(), directory_);
  registry_->before_read([this] { endpoint_mirror_->update(loop_.now()); });
  directory_.on_change([this](const upstream::EndpointSetPtr& set) {
    for (auto& worker : workers_) worker->publish(set);
    active_health_.update(set);
  });
}

// The admin listener is the process's own: a reload does not move it, so that whoever asked for the
// reload hears the answer.
Result<void> Control::open_admin(const config::Model& model) {
  if (!model.admin.address) return {};
  config::Listener listener;
  listener.name = "admin";
  auto sockets =
      net::ListenSocket::open(*model.admin.address, 1, static_cast<int>(listener.backlog));
  if (!sockets) return tl::make_unexpected(sockets.error());
  admin_address_ = model.admin.address;
  admin_listener_ = std::make_unique<LocalListener>(loop_, listener, admin_handler_,
                                                    std::move(*sockets), nullptr);
  return {};
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

config::Value Control::configuration() {
  return snapshot_ ? config::extract_options(*snapshot_->model) : config::Value();
}

std::string Control::token() {
  if (!snapshot_ || snapshot_->model->admin.token.empty()) return {};
  auto secret = ProcessCompileServices::read_secret(snapshot_->model->admin.token);
  return secret ? *secret : std::string();
}

void Control::reload(Cause cause, ReloadDone done) {
  auto reload = std::make_unique<Reload>();
  reload->cause = cause;
  reload->done = std::move(done);
  reloads_.push_back(std::move(reload));
  run_next_reload();
}

void Control::run_next_reload() {
  if (reloading_ || reloads_.empty() || draining_) return;
  auto reload = std::move(reloads_.front());
  reloads_.pop_front();
  reloading_ = true;
  begin_reload(std::move(reload));
}

void Control::begin_reload(std::unique_ptr<Reload> reload) {
  auto loaded = config::load_file(config_file_, policy_tables(), config::process_environment());
  if (!loaded) return fail_reload(*reload, describe_problems(loaded.error()));
  reload->loaded = std::move(*loaded);
  if (auto prepared = prepare(*reload); !prepared)
    return fail_reload(*reload, prepared.error().detail);
  hand_to_workers(std::move(reload));
}

// Everything that can fail happens here, before anything is changed.
Result<void> Control::prepare(Reload& reload) {
  reload.model = std::make_shared<const config::Model>(std::move(reload.loaded.model));
  if (snapshot_ && reload.model->admin.address != admin_address_)
    return failure(ErrorCode::invalid_argument, Side::internal,
                   "admin.address cannot change while the gateway runs: restart it");
  if (snapshot_ && (reload.model->process.workers != snapshot_->model->process.workers ||
                    reload.model->process.pin != snapshot_->model->process.pin))
    return failure(ErrorCode::invalid_argument, Side::internal,
                   "process.workers and process.pin cannot change while the gateway runs: "
                   "restart it");
  std::vector<Error> problems;
  auto prepared =
      listeners_->prepare(*reload.model, reload.cause == Cause::files_changed, problems);
  if (!prepared) return tl::make_unexpected(prepared.error());
  reload.prepared = std::move(*prepared);
  for (const Error& problem : problems) say("gateway: " + problem.detail);
  for (const config::Upstream& upstream : reload.model->upstreams) {
    if (!upstream.tls) continue;
    auto made = net::ClientTlsContext::make(tls_library_, *upstream.tls);
    if (!made) return tl::make_unexpected(made.error());
  }
  const std::uint64_t generation = snapshot_ ? snapshot_->generation + 1 : 1;
  auto snapshot = snapshot::compile(reload.model, generation, snapshot_.get(), compile_services_);
  if (!snapshot) return tl::make_unexpected(snapshot.error());
  reload.snapshot = std::move(*snapshot);
  return {};
}

void Control::hand_to_workers(std::shared_ptr<Reload> reload) {
  prober_.configure(reload->model->upstreams);
  active_health_.configure(reload->model->upstreams);
  directory_.configure(reload->model->upstreams);
  resolver_->keep(directory_.names());
  reload->waiting_for = workers_.size();
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    WorkerUpdate update;
    update.snapshot = reload->snapshot;
    update.listeners = listeners_->plans(reload->prepared, i);
    workers_[i]->apply(std::move(update), [this, reload](const Result<void>& taken) {
      loop_.post([this, reload, taken] { on_taken(reload, taken); });
    });
  }
}

void Control::on_taken(const std::shared_ptr<Reload>& reload, const Result<void>& taken) {
  if (!taken) reload->failed = taken.error().detail;
  if (--reload->waiting_for > 0) return;
  if (!reload->failed.empty()) return fail_reload(*reload, reload->failed);
  finish_reload(*reload);
}

void Control::finish_reload(Reload& reload) {
  listeners_->commit(std::move(reload.prepared));
  snapshot_ = reload.snapshot;
  if (ready_) {
    if (auto applied = access_log_->apply(log_settings(snapshot_->model->access_log)); !applied)
      say("gateway: " + applied.error().detail);
    registry_->control().process().reloads_ok.add();
  }
  registry_->control().process().generation.set(static_cast<std::int64_t>(snapshot_->generation));
  std::vector<std::string_view> routes;
  for (const config::Route& route : snapshot_->model->routes) routes.push_back(route.name);
  registry_->hold_routes(routes);
  watch(reload.loaded);
  reloading_ = false;
  if (reload.done) reload.done({true, snapshot_->generation, {}});
  run_next_reload();
}

void Control::watch(const config::LoadedModel& loaded) {
  std::vector<std::string> paths = loaded.watched_files;
  for (const config::Listener& listener : snapshot_->model->listeners) {
    if (!listener.tls) continue;
    const auto folders = net::certificate_folders(listener.tls->certificates);
    paths.insert(paths.end(), folders.begin(), folders.end());
  }
  folder_watch_->watch(paths);
}

void Control::fail_reload(Reload& reload, std::string message) {
  reloading_ = false;
  registry_->control().process().reloads_failed.add();
  say("gateway: the configuration stays as it was:\n" + message);
  if (reload.done) reload.done({false, snapshot_ ? snapshot_->generation : 0, std::move(message)});
  run_next_reload();
}

std::shared_ptr<net::ClientTlsContext> Control::control_tls(const std::string& name) {
  if (!snapshot_) return nullptr;
  const auto found = snapshot_->upstreams.find(name);
  if (found == snapshot_->upstreams.end() || !found->second->tls) return nullptr;
  auto made = net::ClientTlsContext::make(tls_library_, *found->second->tls);
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
      if (draining_) return stop(1);
      return drain();
  }
}

void Control::drain() {
  if (draining_) return;
  draining_ = true;
  registry_->control().process().draining.set(1);
  notify_service_manager("STOPPING=1");
  for (auto& worker : workers_) worker->announce_drain();
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
  accepting_ = undrained_ = workers_.size();
  for (auto& worker : workers_) {
    worker->drain(
        [this] {
          loop_.post([this] {
            if (--accepting_ == 0) listeners_->close_sockets();
          });
        },
        [this] {
          loop_.post([this] {
            if (--undrained_ == 0) stop(0);
          });
        });
  }
  drain_timer_.arm(loop_.timers(),
                   snapshot_ ? snapshot_->model->process.drain.deadline : Duration::zero());
}

void Control::stop(int status) {
  exit_status_ = status;
  drain_timer_.cancel();
  sweep_timer_.cancel();
  ticket_timer_.cancel();
  loop_.stop();
}

}  // namespace gateway::server
