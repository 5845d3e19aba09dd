"""What the API server says of every object that the repository ships, and what the gateway's account may do."""
import json
import pathlib
import subprocess

import pytest
import yaml

from harness.api import wait_until
from harness.cluster import ingress
from harness.images import BIN, ROOT
from harness.plane import HERE, render

K8S = HERE.parents[1] / "k8s"
NEEDED = [  # verb, group, resource, namespace, name
    *[(verb, "networking.k8s.io", "ingresses", "jobs", "") for verb in ("list", "watch")],
    *[(verb, "discovery.k8s.io", "endpointslices", "jobs", "") for verb in ("list", "watch")],
    *[(verb, "", resource, "jobs", "") for verb in ("list", "watch")
      for resource in ("services", "secrets", "configmaps")],
    ("list", "networking.k8s.io", "ingressclasses", "", ""),
    ("patch", "networking.k8s.io", "ingresses/status", "jobs", "jobs"),
    ("create", "events.k8s.io", "events", "jobs", ""),
    ("create", "coordination.k8s.io", "leases", "gateway", ""),
    ("update", "coordination.k8s.io", "leases", "gateway", "gateway"),
    ("create", "authorization.k8s.io", "subjectaccessreviews", "", ""),
    ("list", "", "pods", "jobs", ""),
    ("patch", "apiregistration.k8s.io", "apiservices", "", "v1beta2.custom.metrics.k8s.io"),
    ("get", "", "configmaps", "kube-system", "extension-apiserver-authentication"),
]
FORBIDDEN = [
    ("update", "networking.k8s.io", "ingresses", "jobs", "jobs"),
    ("create", "", "pods", "gateway", ""),
    ("get", "", "pods", "jobs", "app-a"),
    ("watch", "", "pods", "jobs", ""),
    *[(verb, "", "nodes", "", "") for verb in ("get", "list", "watch")],
    ("create", "", "secrets", "jobs", ""),
    ("update", "", "secrets", "jobs", "jobs-tls"),
    ("update", "coordination.k8s.io", "leases", "kube-system", "gateway"),
    ("patch", "apiregistration.k8s.io", "apiservices", "", "v1beta1.metrics.k8s.io"),
    ("create", "apiregistration.k8s.io", "apiservices", "", ""),
    ("create", "authentication.k8s.io", "tokenreviews", "", ""),
    ("patch", "apps", "deployments/scale", "jobs", "app-a"),
    ("create", "rbac.authorization.k8s.io", "clusterrolebindings", "", ""),
]


def install_tool(name):
    return subprocess.run([ROOT / "tools/install-tool", name], check=True, stdout=subprocess.PIPE,
                          text=True).stdout.strip()


@pytest.fixture(scope="module")
def certificates(plane):
    """cert-manager's kinds, without cert-manager: what acc and prod expect to be there."""
    crds = pathlib.Path(install_tool("cert-manager-crds"))
    name = "cert-manager.io_certificates.yaml"
    plane.kubectl("apply", "--server-side", "-f", str(crds / name))
    plane.kubectl("wait", "--for=condition=Established", "--timeout=30s", "-f", str(crds / name))
    yield
    plane.kubectl("delete", "-f", str(crds / name))


@pytest.mark.parametrize("overlay", ["dev", "acc", "prod"])
def test_an_overlay_is_accepted_without_a_warning(plane, certificates, overlay):
    documents = list(yaml.safe_load_all(render(K8S / "overlays" / overlay)))
    namespaces = [each for each in documents if each["kind"] == "Namespace"]
    plane.kubectl("apply", "-f", "-", text=yaml.safe_dump_all(namespaces))
    answer = plane.kubectl("apply", "--dry-run=server", "--validate=strict", "--warnings-as-errors", "-f", "-",
                           text=yaml.safe_dump_all(documents))
    assert len(answer.splitlines()) == len(documents)


def test_the_external_metrics_api_is_accepted(plane):
    plane.kubectl("apply", "--dry-run=server", "--validate=strict", "--warnings-as-errors", "-f",
                  str(K8S / "components/external-metrics/api-service.yaml"))


@pytest.mark.parametrize("overlay", ["dev", "acc", "prod"])
def test_images_are_named_by_version(overlay):
    for body in yaml.safe_load_all(render(K8S / "overlays" / overlay)):
        pod = body.get("spec", {}).get("template", {}).get("spec", {})
        for container in pod.get("initContainers", []) + pod.get("containers", []):
            assert container["image"].rpartition(":")[2] not in ("", "latest", container["image"])


@pytest.fixture(scope="module")
def account(plane):
    roles = [each for each in yaml.safe_load_all(render(K8S / "overlays/dev"))
             if each["kind"] in ("Namespace", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding")]
    plane.kubectl("apply", "-f", "-", text=yaml.safe_dump_all(roles))
    return "system:serviceaccount:gateway:gateway"


def may(plane, user, verb, group, resource, namespace, name):
    resource, _, sub = resource.partition("/")
    wanted = {"verb": verb, "group": group, "resource": resource, "subresource": sub, "namespace": namespace,
              "name": name}
    groups = ["system:serviceaccounts", "system:serviceaccounts:gateway", "system:authenticated"]
    answer = plane.api.request("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", {
        "apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview",
        "spec": {"user": user, "groups": groups, "resourceAttributes": wanted}})
    return answer["status"]["allowed"]


def test_the_gateway_may_do_what_it_needs_and_no_more(plane, account):
    refused = [each for each in NEEDED if not may(plane, account, *each)]
    assert not refused, json.dumps(refused)
    granted = [each for each in FORBIDDEN if may(plane, account, *each)]
    assert not granted, json.dumps(granted)


@pytest.fixture
def annotation_policy(plane, account):
    """`gateway --annotation-policy` as it is; `account` has made the gateway's namespace."""
    text = subprocess.run([BIN / "gateway", "--annotation-policy"], check=True, capture_output=True, text=True).stdout
    plane.kubectl("apply", "--validate=strict", "--warnings-as-errors", "-f", "-", text=text)
    yield
    plane.kubectl("delete", "-f", "-", text=text)


def test_the_annotation_policy_refuses_a_wrong_value_and_says_where(plane, namespace, annotation_policy):
    def refusal(**annotations):
        """What the API server says to such an Ingress; empty when it takes it."""
        try:
            plane.kubectl("apply", "--dry-run=server", "-n", namespace, "-f", "-",
                          text=ingress("judged", "/", **annotations))
            return ""
        except AssertionError as error:
            return str(error)

    wait_until(lambda: refusal(ssl_redirect="perhaps"), 30, "the policy in force")
    assert "ssl-redirect must be true or false" in refusal(ssl_redirect="perhaps")
    assert "app-root must be a path that begins with '/'" in refusal(app_root="start")
    assert "an unknown auth-, limit- or -source-range annotation" in refusal(auth_typo="on")
    assert "snippets are refused" in refusal(lua_snippet="deny all;")
    assert refusal(ssl_redirect="true", app_root="/start", token_auth_upstream="app-b:http", limit_rps="5") == ""
    status = plane.api.request("GET", "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies/"
                               "gateway-annotations")["status"]
    assert not status.get("typeChecking", {}).get("expressionWarnings")
