#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "gateway/base/clock.h"
#include "gateway/upstream/endpoint_set.h"

namespace gateway::upstream::test {

using namespace std::chrono_literals;

inline SocketAddress address_of(std::uint32_t index) {
  return {IpAddress::v4(0x0a000001U + index), 8080};
}

/// Endpoints 10.0.0.1:8080, 10.0.0.2:8080 and so on, with these weights.
inline EndpointSetPtr make_set(const std::vector<std::uint32_t>& weights) {
  auto set = std::make_shared<EndpointSet>();
  set->upstream = "app";
  set->version = 1;
  set->load = std::make_shared<UpstreamLoad>();
  for (std::uint32_t i = 0; i < weights.size(); ++i) {
    const SocketAddress address = address_of(i);
    set->entries.push_back(
        {std::make_shared<Endpoint>("app", address, address.ip().to_string(), ""), weights[i]});
  }
  return set;
}

inline EndpointSetPtr make_set(std::size_t size) {
  return make_set(std::vector<std::uint32_t>(size, 1));
}

}  // namespace gateway::upstream::test
