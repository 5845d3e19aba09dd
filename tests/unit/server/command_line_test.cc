#include "gateway/server/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gateway::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Parsed = std::variant<CommandLine, Farewell>;

Parsed parse(std::vector<const char*> words) {
  words.insert(words.begin(), "gateway");
  return parse_command_line(static_cast<int>(words.size()), words.data());
}

CommandLine understood(const Parsed& parsed) {
  if (const auto* farewell = std::get_if<Farewell>(&parsed)) ADD_FAILURE() << farewell->text;
  const auto* line = std::get_if<CommandLine>(&parsed);
  return line == nullptr ? CommandLine{} : *line;
}

Farewell farewell(const Parsed& parsed) {
  const auto* said = std::get_if<Farewell>(&parsed);
  return said == nullptr ? Farewell{"understood", -1} : *said;
}

TEST(CommandLine, RunsAFile) {
  const CommandLine line = understood(parse({"--config", "a.yaml"}));
  EXPECT_EQ(line.action, CommandLine::Action::run);
  EXPECT_EQ(line.config, "a.yaml");
}

TEST(CommandLine, ChecksAFile) {
  EXPECT_EQ(understood(parse({"--check", "--config=a.yaml"})).action, CommandLine::Action::check);
}

TEST(CommandLine, AsksForTheHealthOfAFile) {
  EXPECT_EQ(understood(parse({"--config", "a.yaml", "--health"})).action,
            CommandLine::Action::health);
  EXPECT_EQ(farewell(parse({"--health"})).status, 2);
}

TEST(CommandLine, ExplainsARequestWithItsHeaders) {
  const CommandLine line = understood(parse(
      {"--config", "a.yaml", "--explain", "POST https://h/jobs", "-H", "a: b", "-H", "c: d"}));
  EXPECT_EQ(line.action, CommandLine::Action::explain);
  EXPECT_EQ(line.explain_request, "POST https://h/jobs");
  EXPECT_THAT(line.explain_headers, ElementsAre("a: b", "c: d"));
}

TEST(CommandLine, PrintsSchemaAndReferenceWithoutAFile) {
  EXPECT_EQ(understood(parse({"--schema"})).action, CommandLine::Action::schema);
  EXPECT_EQ(understood(parse({"--reference"})).action, CommandLine::Action::reference);
  EXPECT_EQ(understood(parse({"--metrics-reference"})).action, CommandLine::Action::metrics);
  EXPECT_EQ(understood(parse({"--annotation-reference"})).action, CommandLine::Action::annotations);
  EXPECT_EQ(understood(parse({"--annotation-policy"})).action,
            CommandLine::Action::annotation_policy);
}

TEST(CommandLine, ServesAClusterWithOrWithoutAFile) {
  const CommandLine line = understood(parse({"--kubernetes"}));
  EXPECT_EQ(line.action, CommandLine::Action::run);
  EXPECT_TRUE(line.config.empty());
  ASSERT_TRUE(line.kubernetes);
  EXPECT_TRUE(line.kubernetes->metrics.service.empty());
  EXPECT_FALSE(understood(parse({"--config", "a.yaml"})).kubernetes);
}

TEST(CommandLine, ReadsWhatConcernsTheCluster) {
  const CommandLine line = understood(
      parse({"--kubernetes", "--watch-namespace", "a", "--watch-namespace", "b", "--also-class",
             "nginx", "--publish-service=edge/gateway", "--metrics-service=gateway-metrics"}));
  ASSERT_TRUE(line.kubernetes);
  EXPECT_THAT(line.kubernetes->watch_namespaces, ElementsAre("a", "b"));
  EXPECT_THAT(line.kubernetes->also_classes, ElementsAre("nginx"));
  EXPECT_EQ(line.kubernetes->publish_service, "edge/gateway");
  EXPECT_EQ(line.kubernetes->metrics.service, "gateway-metrics");
  EXPECT_EQ(line.kubernetes->metrics.peers_service, "gateway-peers");
}

TEST(CommandLine, AFlagOfTheClusterAloneIsAMistake) {
  EXPECT_EQ(farewell(parse({"--config", "a.yaml", "--shadow"})).status, 2);
}

TEST(CommandLine, ReportsOnManifestsOrOnACluster) {
  const CommandLine files =
      understood(parse({"ingress-report", "a.yaml", "-", "--also-class", "edge", "--classless"}));
  EXPECT_EQ(files.action, CommandLine::Action::ingress_report);
  EXPECT_THAT(files.report_paths, ElementsAre("a.yaml", "-"));
  ASSERT_TRUE(files.kubernetes);
  EXPECT_THAT(files.kubernetes->also_classes, ElementsAre("edge"));
  EXPECT_TRUE(files.kubernetes->classless);
  const CommandLine cluster = understood(parse({"ingress-report", "--kubeconfig", "k"}));
  EXPECT_TRUE(cluster.report_paths.empty());
  EXPECT_EQ(cluster.kubernetes->kubeconfig, "k");
}

TEST(CommandLine, MakesCertificatesInAFolder) {
  const CommandLine line = understood(
      parse({"certs", "--out", "d", "--names", "a.test,10.0.0.7", "--service", "billing,stock",
             "--public=shop.test", "--days", "30", "--renew-before", "5", "--group", "keys"}));
  EXPECT_EQ(line.action, CommandLine::Action::certs);
  EXPECT_EQ(line.certs.out, "d");
  EXPECT_THAT(line.certs.names, ElementsAre("a.test", "10.0.0.7"));
  EXPECT_THAT(line.certs.services, ElementsAre("billing", "stock"));
  EXPECT_THAT(line.certs.public_names, ElementsAre("shop.test"));
  EXPECT_EQ(line.certs.days, 30);
  EXPECT_EQ(line.certs.renew_before, 5);
  EXPECT_EQ(line.certs.group, "keys");
  EXPECT_FALSE(line.certs.force_authority);
  EXPECT_THAT(understood(parse({"certs", "--out", "d"})).certs.services,
              ElementsAre("app-a", "app-b", "hello", "visitors"));
  EXPECT_TRUE(understood(parse({"certs", "--out", "d", "--force-ca"})).certs.force_authority);
}

TEST(CommandLine, SaysItsVersionAndItsFlags) {
  EXPECT_EQ(farewell(parse({"--version"})).status, 0);
  EXPECT_THAT(farewell(parse({"--version"})).text, HasSubstr("gateway "));
  EXPECT_EQ(farewell(parse({"--help"})).status, 0);
  for (const char* flag :
       {"--config", "--check", "--explain", "--header", "--schema", "--reference", "--version"})
    EXPECT_THAT(farewell(parse({"--help"})).text, HasSubstr(flag));
}

TEST(CommandLine, RefusesWhatItDoesNotKnow) {
  const std::pair<std::vector<const char*>, const char*> rows[] = {
      {{}, "--config FILE is missing"},
      {{"--check"}, "--config FILE is missing"},
      {{"--config"}, "--config"},
      {{"--confg", "a"}, "--confg"},
      {{"a.yaml"}, "a.yaml"},
      {{"--config", "a", "--check", "--schema"}, "excludes"},
      {{"--config", "a", "-H", "a: b"}, "--explain"},
      {{"certs"}, "--out"},
      {{"certs", "--out", "d", "--days", "0"}, "--days"},
      {{"certs", "--out", "d", "extra"}, "extra"}};
  for (const auto& [words, sentence] : rows) {
    EXPECT_EQ(farewell(parse(words)).status, 2) << sentence;
    EXPECT_THAT(farewell(parse(words)).text, HasSubstr(sentence));
  }
}

}  // namespace
}  // namespace gateway::server
