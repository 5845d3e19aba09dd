"""What a linter of policies says of every object, and what our own rules say of every pod."""
import json

import pytest

from harness.tools import ENVIRONMENTS, ROOT, containers, objects, overlay, run, template, tool

# Checks that are not heeded, and why. Each must still find something, or it goes.
IGNORED = {
    "container-image-pull-policy": "tags are versions and immutable: a node need not ask the registry at each start",
    "container-ephemeral-storage-request-and-limit": "roots are read-only; what is written is an emptyDir of development",
    "container-resources": "memory is limited, processor time is not: a limit there slows what could run",
    "deployment-has-host-podantiaffinity": "the gateway spreads by topologySpreadConstraints; a replica of an application may "
                                           "share a node while there are few",
    "pod-probes-identical": "the counter's page is there without its database, so that readiness asks what liveness asks",
}
# And of development alone: its database of one pod, and autoscalers that begin with one replica.
IGNORED_IN_DEVELOPMENT = {
    "horizontalpodautoscaler-replicas": "an idle machine of a developer has one replica of each",
    "deployment-replicas": "a database of one pod",
    "deployment-strategy": "two of its pods may never write the same files",
    "container-security-context-user-group-id": "the official image's user is 999",
    "pod-probes": "a database that is slow is not helped by a restart",
}


def known(environment):
    return {**IGNORED, **(IGNORED_IN_DEVELOPMENT if environment == "dev" else {})}


def findings(text, known=IGNORED):
    done = run(tool("kube-score"), "score", "--output-format", "json", "--kubernetes-version", "v1.37", "-", input=text)
    found = {}
    for item in json.loads(done.stdout):
        for check in item["checks"] or []:
            if not check["skipped"] and check["grade"] < 10:
                name = f"{item['type_meta']['kind']}/{item['object_meta']['name']}"
                found.setdefault(check["check"]["id"], []).append((name, [each["summary"] for each in check["comments"] or []]))
    return {check: where for check, where in found.items() if check not in known}


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_linter_has_nothing_to_say_of_an_overlay(environment):
    assert findings(overlay(environment), known(environment)) == {}


def test_the_linter_has_nothing_to_say_of_the_chart():
    done = template("customMetrics.enabled=true", "autoscaling.enabled=true")
    # The others get theirs when they are installed.
    assert findings(done.stdout.replace("  namespace: gateway\n", "")) == {}


def test_each_check_that_is_not_heeded_would_find_something():
    assert set(findings(overlay("prod"), known={})) == set(IGNORED)
    assert set(findings(overlay("dev"), known={})) == set(known("dev"))


@pytest.mark.parametrize("old, new, check", [
    ("readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false", "container-security-context-readonlyrootfilesystem"),
    ("image: visitors:0.1.0", "image: visitors:latest", "container-image-tag"),
    ("runAsUser: 65532", "runAsUser: 0", "container-security-context-user-group-id"),
])
def test_the_linter_finds_what_is_broken(old, new, check):
    text = overlay("prod")
    assert old in text
    assert check in findings(text.replace(old, new))


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_container_has_no_rights_a_version_and_bounds(environment):
    """What the namespaces' `restricted` asks for, and more: seen without an API server."""
    workloads = [each for each in objects(environment) if containers(each)]
    assert {each["metadata"]["name"] for each in workloads} >= {"gateway", "app-a", "app-b", "hello", "visitors"}
    for each in workloads:
        pod = each["spec"]["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"] is True and pod["securityContext"]["runAsUser"] > 0
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert (pod.get("automountServiceAccountToken") is False) == (each["metadata"]["name"] != "gateway")
        for container in containers(each):
            name = (each["metadata"]["name"], container["name"])
            assert container["securityContext"] == {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
                                                    "capabilities": {"drop": ["ALL"]}}, name
            assert container["image"].rpartition(":")[2] not in ("", "latest", container["image"]), name
            assert set(container["resources"]["requests"]) == {"cpu", "memory"}, name
            assert "memory" in container["resources"]["limits"], name


def test_autoscalers_have_the_bounds_of_their_environment():
    def bounds(environment):
        return {each["metadata"]["name"]: (each["spec"]["minReplicas"], each["spec"]["maxReplicas"])
                for each in objects(environment) if each["kind"] == "HorizontalPodAutoscaler"}
    assert bounds("dev") == {"app-a": (1, 10), "app-b": (1, 5), "hello": (1, 5), "visitors": (1, 5)}
    assert bounds("acc") == {"app-a": (2, 60), "app-b": (2, 10), "hello": (2, 5), "visitors": (2, 5)}
    assert bounds("prod") == {**bounds("acc"), "gateway": (3, 6)}
    for environment in ENVIRONMENTS:
        replicas = {each["metadata"]["name"]: each["spec"].get("replicas") for each in objects(environment)
                    if each["kind"] == "Deployment"}
        # Whose number an autoscaler sets, nobody else does: an apply would set it back.
        assert {name for name, count in replicas.items() if count is None} == set(bounds(environment))


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_namespace_is_restricted_and_denies_by_default(environment):
    found = objects(environment)
    for each in found:
        if each["kind"] == "Namespace":
            assert each["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    namespaces = {each["metadata"]["name"] for each in found if each["kind"] == "Namespace"}
    denied = {each["metadata"]["namespace"] for each in found if each["kind"] == "NetworkPolicy"
              and each["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}}
    assert namespaces == denied == {"gateway", "jobs", "hello", "visitors"}


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_who_has_a_database_brings_its_schema_before_it_serves(environment):
    first = {each["metadata"]["name"]: [(container["name"], container.get("args")) for container in
                                        each["spec"]["template"]["spec"].get("initContainers", [])]
             for each in objects(environment) if each["kind"] == "Deployment"}
    assert first["app-b"] == first["visitors"] == [("migrate", ["migrate"])]
    assert [name for name, _ in first["hello"]] == ["schema"]


def test_the_schema_of_hello_is_that_of_its_back_end():
    assert (ROOT / "k8s/applications/hello/schema.sql").read_text() == (ROOT / "apps/hello_back/schema.sql").read_text()


@pytest.mark.parametrize("environment", ["acc", "prod"])
def test_every_public_name_has_a_certificate(environment):
    found = objects(environment)
    given = {(each["metadata"]["namespace"], each["spec"]["secretName"]): set(each["spec"]["dnsNames"])
             for each in found if each["kind"] == "Certificate"}
    for each in found:
        if each["kind"] == "Ingress":
            for tls in each["spec"]["tls"]:
                assert set(tls["hosts"]) <= given[each["metadata"]["namespace"], tls["secretName"]]
            assert {rule["host"] for rule in each["spec"]["rules"]} == {host for tls in each["spec"]["tls"]
                                                                       for host in tls["hosts"]}


def test_development_needs_no_cert_manager():
    assert "Certificate" not in {each["kind"] for each in objects("dev")}
    assert not [each for each in objects("dev") if each["kind"] == "Ingress" and "tls" in each["spec"]]
