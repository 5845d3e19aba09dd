#include "gateway/upstream/endpoint_gauges.h"

#include <gtest/gtest.h>

namespace gateway::upstream {
namespace {

TEST(EndpointGauges, ShowHealthUntilTheEndpointLeaves) {
  FakeClock clock;
  Registry registry(1, clock);
  EndpointRegistry endpoints;
  EndpointDirectory directory(endpoints, clock);
  EndpointGauges gauges;
  config::Upstream app;
  app.name = "app";
  app.endpoints = {{"10.0.0.1", 80, 1}};
  directory.configure(std::span(&app, 1));
  const auto refresh = [&] { gauges.refresh(registry.control(), directory, clock.now()); };

  refresh();
  const auto cells = registry.control().endpoint("app", "10.0.0.1:80");
  EXPECT_EQ(cells->healthy.value(), 1);
  EXPECT_EQ(cells->ejected.value(), 0);

  Endpoint& endpoint = *directory.find("app")->entries[0].endpoint;
  endpoint.set_healthy(false, clock.now());
  endpoint.eject(clock.now() + std::chrono::seconds(1), clock.now());
  refresh();
  EXPECT_EQ(cells->healthy.value(), 0);
  EXPECT_EQ(cells->ejected.value(), 1);

  app.endpoints.clear();
  directory.configure(std::span(&app, 1));
  refresh();
  EXPECT_EQ(cells->ejected.value(), 0);
}

}  // namespace
}  // namespace gateway::upstream
