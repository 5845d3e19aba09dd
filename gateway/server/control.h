#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "gateway/admin/admin_handler.h"
#include "gateway/admin/admin_source.h"
#include "gateway/admin/endpoint_mirror.h"
#include "gateway/config/loader.h"
#include "gateway/metrics/access_log.h"
#include "gateway/metrics/registry.h"
#include "gateway/net/certificate.h"
#include "gateway/net/resolver.h"
#include "gateway/net/tls_library.h"
#include "gateway/runtime/event_loop.h"
#include "gateway/runtime/folder_watch.h"
#include "gateway/runtime/signals.h"
#include "gateway/server/cluster_service.h"
#include "gateway/server/compile_services.h"
#include "gateway/server/first_answers.h"
#include "gateway/server/kubernetes_mode.h"
#include "gateway/server/kubernetes_options.h"
#include "gateway/server/listeners.h"
#include "gateway/server/local_listener.h"
#include "gateway/server/named_contents.h"
#include "gateway/server/refusal.h"
#include "gateway/server/worker.h"
#include "gateway/snapshot/snapshot.h"
#include "gateway/upstream/active_health.h"
#include "gateway/upstream/endpoint_directory.h"
#include "gateway/upstream/endpoint_registry.h"
#include "gateway/upstream/http_prober.h"

namespace gateway::server {

/// The process: the control thread's loop with configuration, signals, DNS, health checks and the
/// admin pages, and the workers that it starts and feeds. Life: load → bind → start workers → serve
/// → (reload)* → drain → stop. Everything but the constructor happens on the thread that calls
/// run().
class Control final : private admin::AdminSource {
 public:
  /// With `kubernetes` the cluster is a second source of the model, and nothing is served before
  /// everything in it has been listed; the file may be left out then (empty).
  explicit Control(std::string config_file,
                   std::optional<KubernetesOptions> kubernetes = std::nullopt);
  ~Control() override;
  Control(const Control&) = delete;
  Control& operator=(const Control&) = delete;

  /// The whole life of the process; returns its exit status.
  int run();

  using Reloaded = admin::AdminSource::Reloaded;
  using ReloadDone = std::function<void(const Reloaded&)>;
  /// Why a reload was asked for. A change of files may be seen half-way: then a certificate that
  /// cannot be read keeps the pair in use. When objects of the cluster changed, the configuration's
  /// file is as it was read last, and what it names may be half-way too.
  enum class Cause : std::uint8_t { asked, files_changed, objects_changed };
  /// All or nothing: a configuration that is not valid leaves everything as it was. One at a time;
  /// the others wait, each reads the file as it is when its turn comes. None is begun while
  /// draining: then the answer is no.
  void reload(Cause cause, ReloadDone done);
  void drain() override;

 private:
  struct Reload {
    Cause cause = Cause::asked;
    ReloadDone done;
    std::shared_ptr<const config::Model> model;
    std::shared_ptr<config::LoadedModel> loaded;  ///< what the file says
    std::vector<std::string> paths;               ///< of all files and folders that it names
    NamedContents contents;
    config::Changes changes;
    Listeners::Prepared prepared;
    std::optional<ClusterService::Prepared> cluster;  ///< none: there is no section, or it stays
    std::shared_ptr<const snapshot::Snapshot> snapshot;
    std::size_t waiting_for = 0;  ///< workers that have not answered yet
    std::string failed;
  };
  using ReloadPtr = std::shared_ptr<Reload>;
  enum class Verdict : std::uint8_t { changed, unchanged };

  // AdminSource
  State state() override;
  Registry& registry() override { return *registry_; }
  const config::Model* model() override;
  config::PolicyTables policies() override;
  const upstream::EndpointDirectory& endpoints() override { return directory_; }
  std::string token() override;
  void reload(std::function<void(const Reloaded&)> done) override {
    reload(Cause::asked, std::move(done));
  }

  bool start();
  tl::expected<config::LoadedModel, config::Problems> load(std::vector<std::string>* paths) const;
  void on_first_configuration(const Reloaded& reloaded);
  bool start_kubernetes(Reload& base);
  void on_objects_changed();
  Result<void> open_admin(const config::Model& model);
  Result<void> open_cluster(const config::Model& model);
  Result<void> open_kubernetes(const config::Model& model);
  std::string cluster_token();
  Result<void> open_status(const config::Model& model);
  void make_parts(const config::Model& model);
  void before_read();
  void become_ready(const std::vector<std::string>& unresolved);
  void run_next_reload();
  // A reload, step by step.
  void begin_reload(const ReloadPtr& reload);
  tl::expected<Verdict, config::Problems> prepare(Reload& reload);
  std::vector<config::Finding> fixed_settings(const config::Model& model) const;
  tl::expected<Verdict, std::vector<config::Finding>> compile(Reload& reload);
  void load_cluster(Reload& reload, bool halfway, std::vector<config::Finding>& findings,
                    std::vector<Error>& kept);
  void stage_on_workers(const ReloadPtr& reload);
  void on_staged(const ReloadPtr& reload, std::size_t worker, const Result<void>& staged);
  void empty_queues(const ReloadPtr& reload);
  void on_settled();
  void commit_on_workers(const ReloadPtr& reload);
  void finish_reload(Reload& reload);
  void leave_unchanged(Reload& reload);
  void fail_reload(Reload& reload, std::string message);
  void end_reload(Reload& reload, const Reloaded& reloaded);
  void watch(const Reload& reload);
  void watch_too(const Reload& refused);
  void refuse_reload(const ReloadDone& done);
  void on_signal(int number);
  void begin_closing();
  void stop_accepting();
  void on_sweep();
  void on_ticket_rotation();
  void stop(int status);
  std::shared_ptr<net::ClientTlsContext> control_tls(const std::string& upstream);

  const std::string config_file_;
  const std::optional<KubernetesOptions> kubernetes_;
  EventLoop loop_;
  net::TlsLibrary tls_library_;
  net::CertificateStore certificates_;
  std::unique_ptr<Registry> registry_;
  std::unique_ptr<AccessLog> access_log_;
  ProcessCompileServices compile_services_;
  upstream::EndpointRegistry endpoint_registry_;
  upstream::EndpointDirectory directory_;
  upstream::HttpProber prober_;
  upstream::ActiveHealth active_health_;
  std::unique_ptr<Listeners> listeners_;
  std::vector<std::unique_ptr<Worker>> workers_;
  admin::AdminHandler admin_handler_;
  admin::AdminHandler status_handler_;
  std::unique_ptr<admin::EndpointMirror> endpoint_mirror_;
  std::unique_ptr<LocalListener> admin_listener_;
  std::optional<SocketAddress> admin_address_;
  std::unique_ptr<ClusterService> cluster_;  ///< null without that section
  std::optional<SocketAddress> cluster_address_;
  std::unique_ptr<LocalListener> status_listener_;
  std::optional<SocketAddress> status_address_;
  std::unique_ptr<KubernetesMode> kubernetes_mode_;  ///< null without --kubernetes
  /// What the file says, as it is in use; kept for changes of objects.
  std::shared_ptr<config::LoadedModel> base_;
  std::unique_ptr<net::Resolver> resolver_;
  std::set<std::string> unresolvable_;  ///< names whose last look-up failed
  FirstAnswers first_answers_;
  std::unique_ptr<FolderWatch> folder_watch_;
  std::vector<std::string> watched_;  ///< what the configuration in use names
  std::unique_ptr<Signals> signals_;
  std::shared_ptr<const snapshot::Snapshot> snapshot_;
  NamedContents contents_;  ///< of the snapshot's files
  Refusal refusal_;
  std::deque<ReloadPtr> reloads_;
  ReloadPtr settling_;  ///< staged, while the queues of sockets that it closes are being emptied
  Timer settle_timer_;
  Timer closing_timer_;
  Timer drain_timer_;
  Timer sweep_timer_;
  Timer ticket_timer_;
  std::size_t accepting_ = 0;  ///< workers that still accept, while closing
  std::size_t undrained_ = 0;
  bool reloading_ = false;
  bool served_ = false;  ///< what the cluster says, once
  bool ready_ = false;
  bool draining_ = false;
  bool closing_ = false;
  bool stopped_accepting_ = false;
  int exit_status_ = 0;
};

}  // namespace gateway::server
