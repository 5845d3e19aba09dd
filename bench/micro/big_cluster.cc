#include "bench/micro/big_cluster.h"

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <utility>

#include "gateway/net/certificate_authority.h"

namespace gateway::bench {
namespace {

using kubernetes::EndpointSlice;
using kubernetes::Ingress;
using kubernetes::Secret;
using kubernetes::Service;

constexpr std::string_view kPrefix = "nginx.ingress.kubernetes.io/";

const net::CertificateAuthority& authority() {
  static const auto made =
      net::CertificateAuthority::make("bench", std::time(nullptr), std::chrono::hours(24));
  if (!made) std::exit((std::fputs("no authority\n", stderr), 1));
  return *made;
}

}  // namespace

BigCluster::BigCluster(const ClusterSize& size) : size_(size) {
  for (int i = 0; i < size.certificates; ++i) pairs_.push_back(make_pair(i));
}

BigCluster::Pair BigCluster::make_pair(int i) {
  auto made = authority().issue("bench", {fmt::format("*.team-{}.example", i)}, std::time(nullptr),
                                std::chrono::hours(24));
  if (!made) std::exit((std::fputs("no certificate\n", stderr), 1));
  return {std::move(made->certificate), std::move(made->key)};
}

std::string BigCluster::namespace_of(int i) const {
  return fmt::format("namespace-{}", i % size_.namespaces);
}

kubernetes::ObjectMeta BigCluster::meta(const std::string& name, int i) const {
  kubernetes::ObjectMeta made;
  made.namespace_ = namespace_of(i);
  made.name = name;
  made.uid = fmt::format("6f1d2c3b-0000-4000-8000-{:012}", i);
  made.created = "2026-01-01T00:00:00Z";
  return made;
}

Ingress BigCluster::ingress(int i, int round) const {
  Ingress made;
  made.meta = meta(fmt::format("web-{}", i), i);
  made.meta.annotations.emplace(fmt::format("{}proxy-read-timeout", kPrefix),
                                fmt::format("{}", 30 + round));
  made.class_name = "nginx";
  const std::string host = size_.certificates == 0
                               ? fmt::format("web-{}.example", i)
                               : fmt::format("web-{}.team-{}.example", i, i % size_.certificates);
  if (size_.certificates != 0)
    made.tls.push_back({{host}, fmt::format("certificate-{}", i % size_.certificates)});
  auto& rule = made.rules.emplace_back();
  rule.host = host;
  for (int path = 0; path < size_.paths; ++path)
    rule.paths.push_back({path == 0 ? "/" : fmt::format("/part-{}", path),
                          kubernetes::PathType::prefix,
                          {fmt::format("service-{}", i % size_.services), "80", {}}});
  return made;
}

EndpointSlice BigCluster::slice(int i, int round) const {
  EndpointSlice made;
  made.meta = meta(fmt::format("service-{}-abcde", i), i);
  made.service = fmt::format("service-{}", i);
  made.address_type = "IPv4";
  made.ports.push_back({"http", 8080});
  for (int pod = 0; pod < size_.endpoints; ++pod)
    made.endpoints.push_back(
        {{fmt::format("10.{}.{}.{}", 1 + round % 200, i / 250 + pod * 8, 1 + i % 250)},
         true,
         true,
         false,
         fmt::format("pod-{}-{}-{}", i, pod, round)});
  return made;
}

Secret BigCluster::secret(int i, int round) const {
  const Pair pair = round == 0 ? pairs_[static_cast<std::size_t>(i)] : make_pair(i);
  Secret made;
  made.meta = meta(fmt::format("certificate-{}", i), i);
  made.type = "kubernetes.io/tls";
  made.data = {{"tls.crt", pair.certificate}, {"tls.key", pair.key}};
  return made;
}

void BigCluster::fill(kubernetes::Store& store) const {
  for (int i = 0; i < size_.services; ++i) {
    Service service;
    service.meta = meta(fmt::format("service-{}", i), i);
    service.cluster_ips = {fmt::format("10.255.{}.{}", i / 250, 1 + i % 250)};
    service.ports.push_back({"http", 80, "TCP", 0});
    store.upsert(std::move(service));
    store.upsert(slice(i, 0));
  }
  for (int i = 0; i < size_.certificates; ++i) store.upsert(secret(i, 0));
  for (int i = 0; i < size_.ingresses; ++i) store.upsert(ingress(i, 0));
}

kubernetes::TranslatorSettings BigCluster::settings() {
  kubernetes::TranslatorSettings settings;
  settings.also_classes = {"nginx"};
  settings.plain_listeners = {"http"};
  settings.tls_listeners = {"https"};
  return settings;
}

}  // namespace gateway::bench
