"""The Helm chart on the control plane: a second gateway beside that of the overlay, with a class of its own."""
import pathlib
import subprocess
import time

import pytest
import yaml

from harness.api import ApiError, wait_until
from harness.cluster import INGRESS
from harness.images import ROOT
from harness.load import exchange
from harness.plane import ADDRESS, KWOK_ADDRESS

CHART = ROOT / "packaging/helm/gateway"
CLASS = {"name": "inner", "controller": "example.com/inner"}
LABEL = "gateway.ingress/upstream=true"


class Release:
    def __init__(self, dev, folder):
        self.dev, self.values, self.notes = dev, folder / "values.yaml", ""
        self.program = subprocess.run([ROOT / "tools/install-tool", "helm"], check=True, stdout=subprocess.PIPE,
                                      text=True).stdout.strip()

    def helm(self, *arguments):
        done = subprocess.run([self.program, "--namespace", "inner",
                               f"--kubeconfig={pathlib.Path(self.dev.plane.work)}/admin.kubeconfig", *arguments],
                              capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr + done.stdout
        return done.stdout

    def put(self, **more):
        values = {"ingressClass": CLASS, "service": {"type": "ClusterIP"}, "replicas": 1,
                  "configuration": {"process": {"drain": {"delay": "1s", "deadline": "5s"}}}, **more}
        self.values.write_text(yaml.safe_dump(values))
        return self.helm("upgrade", "--install", "inner", str(CHART), "--values", str(self.values))

    def address(self):
        return self.dev.pods("gateway", "inner")[0].network.address

    def ask(self, path="/hello"):
        try:
            answer = exchange(path, address=self.address(), port=8080, host="inner.example.com")
        except (OSError, IndexError):
            return None, b"", {}
        return answer.status, answer.body, answer.headers


@pytest.fixture(scope="module")
def release(dev, tmp_path_factory):
    """Installed beside the overlay, in a namespace that is as strict."""
    made = Release(dev, tmp_path_factory.mktemp("release"))
    dev.kubectl("create", "namespace", "inner")
    dev.kubectl("label", "namespace", "inner", "pod-security.kubernetes.io/enforce=restricted", LABEL)
    made.notes = made.put()
    dev.kubectl("rollout", "status", "deployment/gateway", "-n", "inner", "--timeout=60s", timeout=70)
    dev.apply(INGRESS.format(name="inner", annotations="{}", host="inner.example.com", path="/hello", service="app-a")
              .replace("ingressClassName: gateway", "ingressClassName: inner"))
    yield made
    dev.kubectl("delete", "ingress", "inner", "-n", "jobs")
    dev.kubectl("delete", "namespace", "inner", "--wait=false")


def test_a_release_serves_the_ingresses_of_its_class_and_no_others(release):
    wait_until(lambda: release.ask()[0] == 200, 30, "an answer of the release")
    assert release.ask()[1] == b"Hello there"
    assert exchange("/jobs", "POST", address=release.address(), port=8080, host="jobs.example.com").status == 404
    assert "kubectl -n inner get service gateway" in release.notes


def test_its_own_test_passes(release):
    assert "Succeeded" in release.helm("test", "inner")


def test_another_configuration_is_taken_up_without_a_restart(release):
    pod = release.dev.pods("gateway", "inner")[0]
    release.put(configuration={
        "process": {"drain": {"delay": "1s", "deadline": "5s"}},
        "filters": [{"type": "request_id"},
                    {"type": "header_edits", "response": {"set": {"X-Release": "second"}}}]})
    wait_until(lambda: release.ask()[2].get("X-Release") == "second", 60, "the other configuration")
    assert release.dev.pods("gateway", "inner") == [pod] and pod.containers[0].restarts == 0


# A replica on another node, as the controllers see it; nobody serves there.
ELSEWHERE = """
apiVersion: v1
kind: Pod
metadata: {name: elsewhere, namespace: inner, labels: {app.kubernetes.io/name: gateway}}
spec:
  nodeSelector: {type: kwok}
  securityContext: {runAsNonRoot: true, runAsUser: 65532, seccompProfile: {type: RuntimeDefault}}
  containers:
    - name: gateway
      image: gateway
      securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
"""


def shown(dev):
    """The addresses of the release's Ingress."""
    status = dev.api.find("Ingress", "inner", "jobs")["status"]
    return [each["ip"] for each in status["loadBalancer"].get("ingress", [])]


@pytest.fixture(scope="module")
def of_nodes(release):
    """The release with neither a Service nor addresses to show; it serves no metrics."""
    assert shown(release.dev) == []  # its Service has none
    release.put(publishService="")
    release.dev.kubectl("rollout", "status", "deployment/gateway", "-n", "inner", "--timeout=60s", timeout=70)
    return release.dev


def test_ingresses_show_the_address_of_the_node_where_nothing_else_is_named(of_nodes):
    wait_until(lambda: shown(of_nodes) == [ADDRESS], 30, "the node's address")
    pod = of_nodes.pods("gateway", "inner")[0]
    assert "forbidden" not in pod.containers[0].log.read_text(errors="replace").lower()


def test_a_node_is_shown_while_a_replica_serves_on_it(of_nodes):
    of_nodes.kubectl("apply", "-f", "-", text=ELSEWHERE)
    wait_until(lambda: shown(of_nodes) == [ADDRESS, KWOK_ADDRESS], 30, "the addresses of both nodes")
    of_nodes.api.patch("Pod", "elsewhere", {"status": {"conditions": [{"type": "Ready", "status": "False"}]}},
                       "inner", sub="status")
    wait_until(lambda: shown(of_nodes) == [ADDRESS], 30, "the node of the replica that serves alone")
    # Which its slice calls ready nonetheless.
    listed = [each["conditions"] for body in of_nodes.api.list("EndpointSlice", "inner") for each in body["endpoints"]
              if body["metadata"]["name"].startswith("gateway-peers") and each["targetRef"]["name"] == "elsewhere"]
    assert [(each["ready"], each["serving"]) for each in listed] == [(True, False)] * len(listed) != []
    of_nodes.kubectl("delete", "pod", "elsewhere", "-n", "inner")
    of_nodes.kubectl("apply", "-f", "-", text=ELSEWHERE)
    wait_until(lambda: shown(of_nodes) == [ADDRESS, KWOK_ADDRESS], 30, "the addresses of both nodes again")
    of_nodes.kubectl("delete", "pod", "elsewhere", "-n", "inner")
    wait_until(lambda: shown(of_nodes) == [ADDRESS], 30, "the node that is left")


def test_addresses_stay_while_the_only_replica_is_replaced(of_nodes):
    before = of_nodes.pods("gateway", "inner")[0].name
    of_nodes.kubectl("delete", "pod", before, "-n", "inner", "--wait=false")
    seen, since_it_leads = set(), []

    def written_by_another():
        seen.add(tuple(shown(of_nodes)))
        holder = of_nodes.api.find("Lease", "gateway", "inner")["spec"]["holderIdentity"]
        if holder and not holder.startswith(before):
            since_it_leads.append(time.monotonic())
        return since_it_leads and since_it_leads[-1] - since_it_leads[0] > 3

    wait_until(written_by_another, 60, "another replica that leads")
    assert seen == {(ADDRESS,)}


def test_a_release_of_some_namespaces_reads_its_own_replicas_too(of_nodes, release):
    """By its Role there: no ClusterRole lets it."""
    of_nodes.api.patch("Ingress", "inner", {"status": {"loadBalancer": None}}, "jobs", sub="status")
    release.put(publishService="", watchNamespaces=["jobs"])
    of_nodes.kubectl("rollout", "status", "deployment/gateway", "-n", "inner", "--timeout=60s", timeout=70)
    pod = of_nodes.pods("gateway", "inner")[0]
    wait_until(lambda: shown(of_nodes) == [ADDRESS], 30, "the node's address")
    assert "forbidden" not in pod.containers[0].log.read_text(errors="replace").lower()
    assert release.ask()[0] == 200


def test_without_the_right_the_log_says_so_and_all_else_goes_on(of_nodes, release):
    rules = [each for each in of_nodes.api.find("ClusterRole", "inner")["rules"] if "nodes" not in each["resources"]]
    of_nodes.api.patch("ClusterRole", "inner", {"rules": rules})
    of_nodes.kubectl("rollout", "restart", "deployment/gateway", "-n", "inner")
    of_nodes.kubectl("rollout", "status", "deployment/gateway", "-n", "inner", "--timeout=60s", timeout=70)

    def said():
        logs = [each.containers[0].log.read_text(errors="replace") for each in of_nodes.pods("gateway", "inner")]
        return any("watch /api/v1/nodes: 403 Forbidden" in each for each in logs)

    wait_until(said, 30, "a word about the right")
    assert release.ask()[0] == 200
    assert shown(of_nodes) == [ADDRESS]


def test_a_release_that_is_uninstalled_leaves_nothing(release):
    release.helm("uninstall", "inner", "--wait", "--timeout=60s")
    for kind in ("Deployment", "Service"):
        assert release.dev.api.list(kind, "inner") == [], kind
    for kind in ("ClusterRole", "ClusterRoleBinding", "IngressClass"):
        with pytest.raises(ApiError):
            release.dev.api.find(kind, "inner")
