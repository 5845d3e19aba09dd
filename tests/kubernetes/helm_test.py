"""The Helm chart on the control plane: a second gateway beside that of the overlay, with a class of its own."""
import pathlib
import subprocess

import pytest
import yaml

from harness.api import ApiError, wait_until
from harness.cluster import INGRESS
from harness.images import ROOT
from harness.load import exchange

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


def test_a_release_that_is_uninstalled_leaves_nothing(release):
    release.helm("uninstall", "inner", "--wait", "--timeout=60s")
    for kind in ("Deployment", "Service"):
        assert release.dev.api.list(kind, "inner") == [], kind
    for kind in ("ClusterRole", "ClusterRoleBinding", "IngressClass"):
        with pytest.raises(ApiError):
            release.dev.api.find(kind, "inner")
