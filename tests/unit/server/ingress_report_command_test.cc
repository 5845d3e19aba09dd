#include "gateway/server/ingress_report_command.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/temporary_folder.h"

namespace gateway::server {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kIngress = R"(
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: {}
  namespace: shop
  annotations: {{nginx.ingress.kubernetes.io/{}}}
spec:
  ingressClassName: {}
  rules:
    - host: {}.example.com
      http: {{paths: [{{path: /, pathType: Prefix, backend: {{service: {{name: web, port: {{number: 80}}}}}}}}]}}
)";

constexpr const char* kOthers = R"(
kind: IngressClass
metadata: {name: public}
spec: {controller: k8s.io/ingress-nginx}
---
kind: Service
metadata: {name: web, namespace: shop}
spec: {clusterIP: 10.0.0.1, ports: [{port: 80}]}
)";

std::string ingress(const char* name, const char* note, const char* class_name) {
  return fmt::format(fmt::runtime(kIngress), name, note, class_name, name);
}

class IngressReport : public ::testing::Test {
 protected:
  std::string report() {
    const auto report = ingress_report_of({folder_.path()}, {});
    return report ? *report : report.error().detail;
  }
  test::TemporaryFolder folder_;
};

TEST_F(IngressReport, ReadsAFolderToItsDepthAndCountsIngressNginxAsOurs) {
  folder_.write("others.yml", kOthers);
  folder_.write("web.yaml", ingress("web", "server-snippet: 'deny all;'", "public"));
  folder_.write("deep/api.yaml", ingress("api", "limit-rps: '5'", "nginx"));
  folder_.write("other.yaml", ingress("other", "limit-rps: '5'", "traefik"));
  folder_.write("notes.txt", "not: [a manifest");
  EXPECT_THAT(report(), HasSubstr("Ingress shop/web\n  refused    server-snippet: "));
  EXPECT_THAT(report(), HasSubstr("Ingress shop/api\n  differs    limit-rps: "));
  EXPECT_THAT(report(), Not(HasSubstr("shop/other")));
  EXPECT_THAT(report(), HasSubstr("2 of 2 Ingresses would change; 1 are of other classes\n"));
}

TEST_F(IngressReport, NamesTheFileThatCannotBeRead) {
  EXPECT_THAT(report(), HasSubstr("no file in it ends in .yaml, .yml or .json"));
  folder_.write("a.yaml", "kind: Ingress\nmetadata: [");
  EXPECT_THAT(report(), HasSubstr("a.yaml:"));
  EXPECT_FALSE(ingress_report_of({folder_.path() + "/absent.yaml"}, {}));
}

}  // namespace
}  // namespace gateway::server
