#include "apps/common/app.h"

#include <cstdio>

#include "apps/common/app_exchange.h"
#include "apps/common/probe_handler.h"
#include "gateway/metrics/exposition.h"
#include "gateway/server/facts.h"
#include "gateway/server/health.h"
#include "gateway/server/version.h"

namespace gateway::apps {
namespace {

Result<SocketAddress> parse_address(std::string_view flag, std::string_view text) {
  auto address = SocketAddress::parse(text);
  if (address) return address;
  return failure(ErrorCode::invalid_argument, Side::internal,
                 std::string(flag) + ": " + address.error().detail + ", such as 127.0.0.1:5000");
}

}  // namespace

App::App(std::string name, std::string description)
    : name_(std::move(name)), flags_(std::move(description), name_) {
  flags_.set_version_flag("--version", server::version_line(name_), "Print the version");
  flags_.add_option("--listen", listen_, "Address and port, such as 127.0.0.1:5000 or :5000")
      ->envname("LISTEN")
      ->capture_default_str();
  flags_
      .add_option("--probe-listen", probe_listen_,
                  "A second address and port, without TLS, that serves /healthz, /readyz and "
                  "/metrics and nothing else: for a kubelet or Prometheus, which have no client "
                  "certificate")
      ->envname("PROBE_LISTEN");
  flags_.add_option("--threads", threads_, "Threads that serve")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  auto* certificate =
      flags_.add_option("--certificate", certificate_, "Certificate (PEM): serve TLS")
          ->check(CLI::ExistingFile);
  auto* key = flags_.add_option("--key", key_, "Its private key (PEM)")->check(CLI::ExistingFile);
  certificate->needs(key);
  key->needs(certificate);
  flags_
      .add_option("--client-ca", client_ca_,
                  "Clients must show a certificate of this authority (mutual TLS)")
      ->check(CLI::ExistingFile)
      ->needs(certificate);
  flags_.add_option("--log", log_, "stdout, off or a file; JSON lines")->capture_default_str();
  flags_
      .add_option("--drain-delay-ms", drain_delay_ms_,
                  "After SIGTERM go on serving for so long with readiness off, so that who keeps "
                  "connections open hears of it before they close")
      ->capture_default_str();
  command("health",
          "Ask the one that serves here whether it is well, at --probe-listen or else --listen; "
          "exit 1 unless it says so",
          [this] { return health(); });
}

CLI::App& App::command(const std::string& name, const std::string& text, std::function<int()> act) {
  return command(flags_, name, text, std::move(act));
}

CLI::App& App::command(CLI::App& parent, const std::string& name, const std::string& text,
                       std::function<int()> act) {
  CLI::App* added = parent.add_subcommand(name, text);
  added->fallthrough();
  commands_.emplace_back(added, std::move(act));
  return *added;
}

Result<server::Service::Options> App::options() const {
  auto address = parse_address("--listen", listen_);
  if (!address) return tl::make_unexpected(address.error());
  server::Service::Options options;
  options.listener.name = name_;
  options.listener.addresses = {*address};
  options.threads = threads_;
  options.drain.delay = std::chrono::milliseconds(drain_delay_ms_);
  if (!probe_listen_.empty()) {
    auto probes = probe_listener(*address);
    if (!probes) return tl::make_unexpected(probes.error());
    options.probes = std::move(*probes);
  }
  if (certificate_.empty()) return options;
  config::ListenerTls tls;
  tls.certificates = {{certificate_, key_, {}}};
  if (!client_ca_.empty()) {
    tls.client_certificates = config::ClientCertificates::required;
    tls.client_ca = client_ca_;
  }
  options.listener.tls = std::move(tls);
  return options;
}

Result<config::Listener> App::probe_listener(const SocketAddress& beside) const {
  auto address = parse_address("--probe-listen", probe_listen_);
  if (!address) return tl::make_unexpected(address.error());
  if (*address == beside && address->port() != 0)
    return failure(ErrorCode::invalid_argument, Side::internal,
                   "--probe-listen and --listen are both " + probe_listen_ +
                       ": give the probes a port of their own");
  config::Listener listener;
  listener.name = name_ + " probes";
  listener.addresses = {*address};
  return listener;
}

// /metrics on the control thread alone, which reads the registry.
Answer App::service_page(std::string_view path) const {
  if (path == "/metrics") return {200, exposition(*registry_), std::string(kExpositionType), {}};
  const std::string plain = "text/plain; charset=utf-8";
  if (path == "/healthz") return {200, "ok\n", plain, {}};
  const std::string problem = service_->draining() ? std::string("shutting down") : readiness_();
  if (problem.empty()) return {200, "ready\n", plain, {}};
  return {503, problem + "\n", plain, {}};
}

int App::health() const {
  auto address = probe_listen_.empty() ? parse_address("--listen", listen_)
                                       : parse_address("--probe-listen", probe_listen_);
  Result<void> well;
  if (address)
    well = server::ask_health(*address);
  else
    well = tl::make_unexpected(address.error());
  if (well) return 0;
  std::fprintf(stderr, "%s: %s\n", name_.c_str(), well.error().detail.c_str());
  return 1;
}

void App::make_registry() {
  registry_ = std::make_unique<Registry>(threads_, service_->loop());
  registry_->facts.build = {server::kVersion, server::kCommit};
  registry_->before_read([this] {
    std::vector<CertificateFact> certificates;
    if (const net::CertificateSet* in_use = service_->certificates())
      server::add_shown(name_, *in_use, certificates);
    registry_->facts.set_certificates(std::move(certificates));
  });
}

int App::run(int argc, char** argv, const Prepare& prepare, Answerer answer, Readiness readiness) {
  CLI11_PARSE(flags_, argc, argv);
  for (const auto& [command, act] : commands_)
    if (command->parsed()) return act();
  answer_ = std::move(answer);
  readiness_ = std::move(readiness);
  const auto fail = [this](const Error& error) {
    std::fprintf(stderr, "%s: %s\n", name_.c_str(), error.detail.c_str());
    return 1;
  };
  if (auto prepared = prepare(); !prepared) return fail(prepared.error());
  auto made = options();
  if (!made) return fail(made.error());
  service_ = std::make_unique<server::Service>(std::move(*made));
  if (auto opened = service_->open(); !opened) return fail(opened.error());
  make_registry();
  AccessLog log(registry_->log_writer());
  std::size_t next = 0;
  std::vector<AccessLogShard*> shards;
  for (std::size_t i = 0; i < threads_; ++i)
    shards.push_back(&log.add_shard(registry_->worker(i).process()));
  if (auto applied = log.apply({log_, AccessLogFormat::json}); !applied)
    return fail(applied.error());
  const auto make_handler = [&](EventLoop& loop) {
    const std::size_t index = next++;
    return std::make_unique<AppHandler>(*this, registry_->worker(index), *shards[index],
                                        make_thread_state_ ? make_thread_state_(loop) : nullptr);
  };
  ProbeHandler probes(*this);
  const int status = service_->run(make_handler, &probes);
  return status;
}

}  // namespace gateway::apps
