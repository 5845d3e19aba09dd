#include "gateway/server/ingress_report_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <iterator>
#include <memory>

#include "gateway/config/environment.h"
#include "gateway/config/named_files.h"
#include "gateway/kubernetes/api_client.h"
#include "gateway/kubernetes/cluster_access.h"
#include "gateway/kubernetes/controller.h"
#include "gateway/kubernetes/ingress_report.h"
#include "gateway/kubernetes/manifest.h"
#include "gateway/net/tls_library.h"

namespace gateway::server {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostManifest = 256U << 20;
constexpr Duration kLongestReading = std::chrono::seconds(30);

kubernetes::TranslatorSettings report_settings(const KubernetesOptions& options) {
  kubernetes::TranslatorSettings settings;
  if (!options.controller.empty()) settings.controller = options.controller;
  settings.also_controllers = {std::string(kubernetes::kIngressNginxController)};
  settings.also_classes = options.also_classes;
  // What ingress-nginx takes where no IngressClass says otherwise.
  settings.also_classes.emplace_back("nginx");
  settings.classless = options.classless;
  settings.plain_listeners = {"http"};
  settings.tls_listeners = {"https"};
  return settings;
}

bool is_manifest(const fs::path& file) {
  const fs::path ending = file.extension();
  return ending == ".yaml" || ending == ".yml" || ending == ".json";
}

/// In order of their names, so that one folder gives one report.
Result<std::vector<std::string>> manifests_of(const std::string& path) {
  std::error_code error;
  if (!fs::is_directory(path, error)) return std::vector<std::string>{path};
  std::vector<std::string> files;
  fs::recursive_directory_iterator at(path, error);
  for (; !error && at != fs::recursive_directory_iterator(); at.increment(error))
    if (at->is_regular_file(error) && is_manifest(at->path())) files.push_back(at->path());
  if (error) return invalid_argument(fmt::format("{}: {}", path, error.message()));
  if (files.empty())
    return invalid_argument(fmt::format("{}: no file in it ends in .yaml, .yml or .json", path));
  std::sort(files.begin(), files.end());
  return files;
}

Result<void> add_text(const std::string& file, std::string_view text, kubernetes::Store& store) {
  const auto objects = kubernetes::read_manifest(file, text);
  if (!objects) return invalid_argument(objects.error());
  for (const std::string& object : *objects)
    if (auto added = kubernetes::add_manifest(object, store); !added)
      return invalid_argument(fmt::format("{}: {}", file, added.error()));
  return {};
}

Result<void> add_path(const std::string& path, kubernetes::Store& store) {
  if (path == "-") {
    const std::string text{std::istreambuf_iterator<char>(std::cin), {}};
    return add_text("standard input", text, store);
  }
  const auto files = manifests_of(path);
  if (!files) return tl::make_unexpected(files.error());
  for (const std::string& file : *files) {
    const auto text = config::read_file(file, kMostManifest);
    if (!text) return invalid_argument(text.error());
    if (auto added = add_text(file, *text, store); !added) return added;
  }
  return {};
}

/// Follows a cluster until all that Ingresses name has been read once.
class ClusterReading final : private kubernetes::ControllerListener {
 public:
  ClusterReading() : deadline_(Callback<>::bind<&ClusterReading::give_up>(this)) {}

  Result<std::string> report(const KubernetesOptions& options) {
    const auto access =
        kubernetes::find_cluster_access({options.kubeconfig, config::process_environment()});
    if (!access) return tl::make_unexpected(access.error());
    auto api = kubernetes::ApiClient::make(loop_, library_, *access);
    if (!api) return tl::make_unexpected(api.error());
    kubernetes::ControllerSettings settings;
    settings.translator = report_settings(options);
    settings.namespaces = options.watch_namespaces;
    settings.shadow = true;
    settings.own_namespace = access->namespace_name;
    kubernetes::ControllerListener& listener = *this;
    kubernetes::Controller controller(loop_.timers(), loop_.random(), clock_, **api, settings,
                                      listener);
    controller.start();
    deadline_.arm(loop_.timers(), kLongestReading);
    loop_.run();
    if (!controller.synced())
      return invalid_argument(fmt::format(
          "the cluster at {} was not read within {} s: {}", access->server(),
          kLongestReading / std::chrono::seconds(1), fmt::join(controller.problems(), "; ")));
    return kubernetes::ingress_report(controller.store(), settings.translator);
  }

 private:
  void on_translation(std::shared_ptr<const kubernetes::Translation> /*all*/) override {
    give_up();
  }
  void on_endpoints(kubernetes::Translator::EndpointUpdate /*update*/) override {}
  void on_leadership() override {}
  void on_remark(const std::string& /*remark*/) override {}
  void give_up() { loop_.stop(); }

  net::TlsLibrary library_;
  EventLoop loop_;
  SteadyClock clock_;
  Timer deadline_;
};

}  // namespace

Result<std::string> ingress_report_of(const std::vector<std::string>& paths,
                                      const KubernetesOptions& options) {
  if (paths.empty()) return ClusterReading().report(options);
  kubernetes::Store store;
  for (const std::string& path : paths)
    if (auto added = add_path(path, store); !added) return tl::make_unexpected(added.error());
  return kubernetes::ingress_report(store, report_settings(options));
}

}  // namespace gateway::server
