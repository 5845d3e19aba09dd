#include "gateway/config/diff.h"

#include <gtest/gtest.h>

namespace gateway::config {
namespace {

Route route(std::string name, std::string upstream) {
  Route made;
  made.name = std::move(name);
  made.forward = {{std::move(upstream), 1}};
  return made;
}

TEST(Diff, NamesWhatIsAddedRemovedAndChanged) {
  Model before;
  before.routes = {route("a", "u"), route("b", "u"), route("c", "u")};
  Model after;
  after.routes = {route("d", "u"), route("c", "v"), route("a", "u")};
  after.access_log.path = "off";
  after.cluster.emplace();
  const Changes changes = diff(before, after);
  EXPECT_EQ(changes.routes.added, std::vector<std::string>{"d"});
  EXPECT_EQ(changes.routes.removed, std::vector<std::string>{"b"});
  EXPECT_EQ(changes.routes.changed, std::vector<std::string>{"c"});
  EXPECT_TRUE(changes.access_log);
  EXPECT_TRUE(changes.upstreams.empty());
  EXPECT_EQ(changes.to_string(), "routes +d -b ~c, access_log, cluster");
}

TEST(Diff, MovingARouteChangesTheOrderAlone) {
  Model before;
  before.routes = {route("a", "u"), route("b", "u")};
  Model after;
  after.routes = {route("b", "u"), route("a", "u")};
  EXPECT_EQ(diff(before, after).to_string(), "order of entries");
  EXPECT_TRUE(diff(before, before).empty());
  EXPECT_EQ(diff(before, before).to_string(), "nothing changed");
}

TEST(Diff, FilesAreFilledInByWhoeverReadThem) {
  Changes changes = diff({}, {});
  changes.certificates.changed = {"/tls/a.crt"};
  changes.files.added = {"/run/token"};
  EXPECT_FALSE(changes.empty());
  EXPECT_EQ(changes.to_string(), "certificates ~/tls/a.crt, files +/run/token");
}

TEST(Diff, ShowsAFewNamesOfMany) {
  Model after;
  for (int i = 0; i < 9; ++i) after.routes.push_back(route("r" + std::to_string(i), "u"));
  EXPECT_EQ(diff({}, after).to_string(), "routes +r0 +r1 +r2 +r3 +r4 +4 more");
}

}  // namespace
}  // namespace gateway::config
