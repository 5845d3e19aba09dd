"""Every object of the overlays and of the chart against the schemas of the API, strictly."""
import json

import pytest

from harness import schemas
from harness.tools import ENVIRONMENTS, ROOT, overlay, run, template, tool

VARIANTS = {
    "as it comes": [],
    "all of it": ["customMetrics.enabled=true", "customMetrics.external=true", "autoscaling.enabled=true",
                  "defaultCertificate=gateway/public", "defaultBackend=gateway/pages:http", "image.pullSecrets=[\"r\"]",
                  "service.annotations={\"a\":\"b\"}", "service.loadBalancerSourceRanges=[\"192.0.2.0/24\"]",
                  "podAnnotations={\"a\":\"b\"}", "podLabels={\"a\":\"b\"}", "nodeSelector={\"a\":\"b\"}",
                  "tolerations=[{\"operator\":\"Exists\"}]", "priorityClassName=high",
                  "affinity={\"nodeAffinity\":{}}", "ingressClass.default=true"],
    "some namespaces": ["watchNamespaces=[\"one\",\"two\"]", "service.type=NodePort", "service.httpNodePort=30080",
                        "publishService="],
}


@pytest.fixture(scope="module")
def judge(tmp_path_factory):
    pattern = schemas.make(tmp_path_factory.mktemp("schemas"))

    def findings(text):
        done = run(tool("kubeconform"), "-strict", "-output", "json", "-schema-location", pattern, "-", input=text)
        found = json.loads(done.stdout)["resources"] or []
        assert (done.returncode == 0) == (not found), done.stdout + done.stderr
        return found

    return findings


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_an_overlay_keeps_to_the_schemas(judge, environment):
    assert judge(overlay(environment)) == []


@pytest.mark.parametrize("values", VARIANTS.values(), ids=VARIANTS)
def test_the_chart_keeps_to_the_schemas(judge, values):
    done = template(*values)
    assert done.returncode == 0, done.stderr
    assert judge(done.stdout) == []


@pytest.mark.parametrize("old, new, said", [
    ("terminationGracePeriodSeconds: 30", "terminationGracePeriod: 30", "terminationGracePeriod"),
    ("containerPort: 5003", "containerPort: http", "containerPort"),
    ("rotationPolicy: Always", "rotationPolicy: Sometimes", "rotationPolicy"),
    ("averageUtilization: 70", "averageUtilisation: 70", "averageUtilisation"),
])
def test_what_the_schemas_do_not_have_is_found(judge, old, new, said):
    text = overlay("prod")
    assert old in text
    assert said in json.dumps(judge(text.replace(old, new, 1)))


def test_the_schemas_are_of_the_control_plane_that_the_tests_start():
    pinned = (ROOT / "tests/kubernetes/modules/go.mod").read_text()
    version = next(line.split()[1] for line in run(ROOT / "tools/install-tool", "--list").stdout.splitlines()
                   if line.startswith("kubernetes-openapi"))
    assert f"k8s.io/kubernetes v{version} " in pinned
