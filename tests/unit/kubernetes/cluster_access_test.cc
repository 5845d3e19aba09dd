#include "gateway/kubernetes/cluster_access.h"

#include <gmock/gmock.h>

#include <map>

#include "gateway/kubernetes/kubeconfig.h"
#include "support/temporary_folder.h"

namespace gateway::kubernetes::cluster_access_test {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class ClusterAccessTest : public testing::Test {
 protected:
  /// A kubeconfig of one context, with these lines for its cluster and its user.
  Result<ClusterAccess> parse(const std::string& cluster, const std::string& user,
                              const std::string& context = "") {
    return parse_kubeconfig(folder_.path("config"), text(cluster, user, context));
  }
  static std::string text(const std::string& cluster, const std::string& user,
                          const std::string& context = "") {
    return "apiVersion: v1\n"
           "kind: Config\n"
           "current-context: here\n"
           "contexts:\n"
           "- {name: other, context: {cluster: nowhere, user: nobody}}\n"
           "- {name: here, context: {cluster: home, user: me" +
           context +
           "}}\n"
           "clusters:\n"
           "- name: home\n"
           "  cluster: {" +
           cluster +
           "}\n"
           "users:\n"
           "- name: me\n"
           "  user: {" +
           user + "}\n";
  }
  std::string error_of(const std::string& cluster, const std::string& user) {
    const auto access = parse(cluster, user);
    return access ? "no error" : access.error().detail;
  }
  config::Environment environment() {
    return [this](std::string_view name) -> std::optional<std::string> {
      const auto found = variables_.find(std::string(name));
      if (found == variables_.end()) return std::nullopt;
      return found->second;
    };
  }

  gateway::test::TemporaryFolder folder_;
  std::map<std::string, std::string> variables_;
};

constexpr const char* kServer = "server: 'https://api.example:6443'";

TEST_F(ClusterAccessTest, ReadsTheCurrentContext) {
  const auto access = parse(
      "server: 'https://[::1]:6443/clusters/one/', certificate-authority-data: Q0E=, "
      "tls-server-name: kubernetes",
      "client-certificate-data: Q0VSVA==, client-key-data: S0VZ", ", namespace: edge");
  ASSERT_TRUE(access) << access.error().detail;
  EXPECT_EQ(access->host, "::1");
  EXPECT_EQ(access->port, 6443);
  EXPECT_EQ(access->base_path, "/clusters/one");
  EXPECT_EQ(access->server(), "https://[::1]:6443/clusters/one");
  EXPECT_EQ(access->server_name, "kubernetes");
  EXPECT_EQ(access->namespace_name, "edge");
  EXPECT_EQ(access->ca.text, "CA");
  EXPECT_EQ(access->key.text, "KEY");
  EXPECT_TRUE(access->token.empty());
}

TEST_F(ClusterAccessTest, FilesAreRelativeToTheKubeconfig) {
  folder_.write("pki/ca.crt", "CA");
  folder_.write("token", "secret\n");
  const auto access = parse(std::string(kServer) + ", certificate-authority: pki/ca.crt",
                            "tokenFile: " + folder_.path("token") + ", token: other");
  ASSERT_TRUE(access) << access.error().detail;
  EXPECT_EQ(access->ca.read().value(), "CA");
  EXPECT_EQ(access->token.file, folder_.path("token"));
  EXPECT_EQ(access->host, "api.example");
  EXPECT_EQ(access->server_name, "api.example");
  EXPECT_EQ(access->namespace_name, "default");
}

TEST_F(ClusterAccessTest, ErrorsSayWhereAndHowToMendIt) {
  const auto nowhere = parse_kubeconfig("kube.yaml", "current-context: gone\ncontexts: []\n");
  ASSERT_FALSE(nowhere);
  EXPECT_EQ(nowhere.error().detail,
            "kube.yaml:1:18: contexts has no \"gone\": add it, or name another");
  EXPECT_THAT(error_of(kServer, "client-certificate-data: Q0E="),
              AllOf(HasSubstr("config:12:9: "), HasSubstr("belong together: add the other")));
  EXPECT_THAT(error_of(std::string(kServer) + ", certificate-authority: gone.crt", "token: t"),
              AllOf(HasSubstr("config:9:"), HasSubstr("gone.crt")));
  EXPECT_THAT(error_of("server: 'api.example:6443'", "token: t"), EndsWith("https://HOST:PORT"));
  EXPECT_THAT(error_of("server: 'https://a:99999'", "token: t"), HasSubstr("no valid"));
  EXPECT_THAT(error_of("server: 'https://u:p@a'", "token: t"), HasSubstr("no valid host"));
  EXPECT_THAT(error_of("certificate-authority-data: Q0E=", "token: t"), HasSubstr("no server"));
  EXPECT_THAT(error_of(kServer, "client-key-data: '%%%', client-certificate-data: Q0E="),
              HasSubstr("client-key-data is not base64"));
  EXPECT_THAT(parse_kubeconfig("k", "a: 1\na: 2\n").error().detail, HasSubstr("k:2:1: a is there"));
  EXPECT_THAT(parse_kubeconfig("k", "{").error().detail, StartsWith("k:"));
  EXPECT_THAT(parse_kubeconfig("k", "- 1\n").error().detail, HasSubstr("no kubeconfig"));
  EXPECT_THAT(parse_kubeconfig("k", "a: 1\n").error().detail,
              HasSubstr("kubectl config use-context"));
}

TEST_F(ClusterAccessTest, RefusesByNameWhatItCannotDo) {
  EXPECT_THAT(error_of(kServer, "exec: {command: aws-iam-authenticator}"),
              AllOf(HasSubstr("config:12:"), HasSubstr("exec: programs that make credentials"),
                    HasSubstr("tokenFile")));
  EXPECT_THAT(error_of(kServer, "auth-provider: {name: gcp}"), HasSubstr("auth-provider"));
  EXPECT_THAT(error_of(kServer, "username: me, password: hush"),
              AllOf(HasSubstr("username"), Not(HasSubstr("hush"))));
  EXPECT_THAT(error_of(kServer, "token: t, as: admin"), HasSubstr("as: impersonation"));
  EXPECT_THAT(error_of(std::string(kServer) + ", insecure-skip-tls-verify: true", "token: t"),
              HasSubstr("name its authority in certificate-authority"));
  EXPECT_THAT(error_of(std::string(kServer) + ", proxy-url: 'http://p'", "token: t"),
              HasSubstr("proxy-url"));
  EXPECT_THAT(error_of("server: 'http://api.example'", "token: t"), HasSubstr("loopback"));
  EXPECT_EQ(error_of("server: 'http://127.0.0.1:8001'", "token: t"), "no error");
  EXPECT_EQ(error_of(std::string(kServer) + ", insecure-skip-tls-verify: false", "token: t"),
            "no error");
}

TEST_F(ClusterAccessTest, APodHasItsServiceAccount) {
  folder_.write("token", "secret");
  folder_.write("ca.crt", "CA");
  folder_.write("namespace", "edge\n");
  variables_ = {{"KUBERNETES_SERVICE_HOST", "10.0.0.1"}, {"KUBERNETES_SERVICE_PORT", "6443"}};
  const auto access = find_cluster_access({"", environment(), folder_.path()});
  ASSERT_TRUE(access) << access.error().detail;
  EXPECT_EQ(access->server(), "https://10.0.0.1:6443");
  EXPECT_EQ(access->server_name, "10.0.0.1");
  EXPECT_EQ(access->namespace_name, "edge");
  EXPECT_EQ(access->token.read().value(), "secret");
  EXPECT_TRUE(access->tls);
}

TEST_F(ClusterAccessTest, APodWithoutItsTokenIsToldWhatToDo) {
  variables_ = {{"KUBERNETES_SERVICE_HOST", "10.0.0.1"}};
  const auto access = find_cluster_access({"", environment(), folder_.path()});
  ASSERT_FALSE(access);
  EXPECT_THAT(access.error().detail, HasSubstr("automountServiceAccountToken"));
}

TEST_F(ClusterAccessTest, TheFlagCountsBeforeTheVariableBeforeThePod) {
  variables_ = {{"KUBERNETES_SERVICE_HOST", "10.0.0.1"},
                {"KUBECONFIG", folder_.write("b", text("server: 'https://b'", "token: t"))}};
  const std::string flag = folder_.write("a", text("server: 'https://a'", "token: t"));
  EXPECT_EQ(find_cluster_access({flag, environment(), folder_.path()})->host, "a");
  EXPECT_EQ(find_cluster_access({"", environment(), folder_.path()})->host, "b");
  variables_["KUBECONFIG"] = "a:b";
  EXPECT_THAT(find_cluster_access({"", environment(), folder_.path()}).error().detail,
              HasSubstr("several files"));
  variables_.clear();
  EXPECT_THAT(find_cluster_access({"", environment(), folder_.path()}).error().detail,
              HasSubstr("--kubeconfig"));
  EXPECT_THAT(find_cluster_access({"gone", environment(), folder_.path()}).error().detail,
              StartsWith("gone: "));
}

}  // namespace
}  // namespace gateway::kubernetes::cluster_access_test
