#include "gateway/kubernetes/load_balancer.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "gateway/base/address.h"
#include "gateway/kubernetes/json_reader.h"
#include "gateway/kubernetes/meta_reader.h"

namespace gateway::kubernetes {
namespace {

void make_canonical(LoadBalancerAddresses& addresses) {
  std::sort(addresses.begin(), addresses.end());
  addresses.erase(std::unique(addresses.begin(), addresses.end()), addresses.end());
}

}  // namespace

LoadBalancerAddress LoadBalancerAddress::parse(std::string_view text) {
  if (IpAddress::parse(text)) return {std::string(text), {}};
  return {{}, std::string(text)};
}

LoadBalancerStatus LoadBalancerStatus::read(std::string_view json) {
  auto status = read_json<LoadBalancerStatus>(json, "status", [](const JsonValue& root) {
    LoadBalancerStatus made;
    made.object = read_meta(root).object_name();
    root["status"]["loadBalancer"]["ingress"].each([&](const JsonValue& item) {
      made.addresses.push_back({item["ip"].text(), item["hostname"].text()});
    });
    if (made.addresses.empty())
      root["spec"]["externalIPs"].each([&](const JsonValue& item) {
        made.addresses.push_back({item.text(), {}});
      });
    return made;
  });
  if (!status) return {};
  make_canonical(status->addresses);
  return std::move(*status);
}

std::string load_balancer_patch(const LoadBalancerAddresses& addresses) {
  nlohmann::json list = nullptr;
  for (const LoadBalancerAddress& address : addresses)
    list.push_back(address.ip.empty() ? nlohmann::json{{"hostname", address.hostname}}
                                      : nlohmann::json{{"ip", address.ip}});
  return nlohmann::json{{"status", {{"loadBalancer", {{"ingress", std::move(list)}}}}}}.dump();
}

}  // namespace gateway::kubernetes
