"""The Helm chart of the gateway: what it makes of values, which values it refuses, and that k8s/ is what it gives."""
import json
import os
import subprocess
import tarfile

import pytest
import yaml

from harness.tools import (BIN, CHART, ENVIRONMENTS, ROOT, VERSION, build, containers, copy_of, documents, edit, find,
                           helm, objects, rendered, run, template)

READERS = "--readers-token-file=/etc/gateway-readers/token"
OURS = {"gateway", "app-a", "app-b", "hello-front", "hello-back", "visitors"}


def arguments(found):
    return containers(find(found, "Deployment", "gateway"))[0]["args"]


def test_the_chart_is_what_lint_wants():
    done = helm("lint", "--strict", str(CHART))
    assert done.returncode == 0, done.stdout + done.stderr


def test_versions_are_that_of_the_project():
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert (chart["version"], chart["appVersion"]) == (VERSION, VERSION)
    found = {each["image"] for environment in ENVIRONMENTS for body in objects(environment) for each in containers(body)}
    assert {each for each in found if each.partition(":")[0] in OURS} == {f"{name}:{VERSION}" for name in OURS}


def test_k8s_is_what_the_chart_gives():
    done = run(ROOT / "tools/render-chart", "--check")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_chart_that_was_changed_alone_is_found_and_rendering_mends_it(tmp_path):
    tree = copy_of(tmp_path, "k8s", "packaging/helm", "tools/install-tool", "tools/render-chart", "version.txt",
                   "docs/configuration.schema.json")
    edit(tree / "packaging/helm/gateway/templates/deployment.yaml", "periodSeconds: 2}", "periodSeconds: 3}")
    (tree / "version.txt").write_text("9.8.7\n")
    done = run(tree / "tools/render-chart", "--check")
    assert done.returncode != 0
    for name in ("k8s/base/gateway/deployment.yaml", "packaging/helm/gateway/Chart.yaml"):
        assert name in done.stdout
    assert "services.yaml" not in done.stdout
    assert run(tree / "tools/render-chart").returncode == 0
    assert run(tree / "tools/render-chart", "--check").returncode == 0
    assert "image: gateway:9.8.7" in (tree / "k8s/base/gateway/deployment.yaml").read_text()


def test_helm_and_kustomize_install_the_same():
    """But for labels that say which of the two it was, the namespace, which kustomize's gateway has to itself, and
    the name of the ConfigMap."""
    def plain(body):
        text = json.dumps(body, sort_keys=True)
        body = json.loads(text)
        body["metadata"].pop("namespace", None)
        for name in ("helm.sh/chart", "app.kubernetes.io/managed-by"):
            body["metadata"].get("labels", {}).pop(name, None)
        return body

    charts = {(each["kind"], each["metadata"]["name"]): plain(each)
              for each in rendered("networkPolicy.wholeNamespace=true")
              if "helm.sh/hook" not in each["metadata"].get("annotations", {})}
    done = subprocess.run([ROOT / "tools/install-tool", "kustomize"], check=True, stdout=subprocess.PIPE, text=True)
    built = documents(run(done.stdout.strip(), "build", str(ROOT / "k8s/base/gateway")).stdout)
    kustomized = {(each["kind"], each["metadata"]["name"]): plain(each) for each in built}
    hashed = find(built, "ConfigMap", "gateway-config")["metadata"]["name"]
    assert set(charts) ^ set(kustomized) == {("Namespace", "gateway"), ("ConfigMap", "gateway-config"),
                                             ("ConfigMap", hashed)}
    for key in set(charts) & set(kustomized):
        wanted = json.dumps(kustomized[key], sort_keys=True).replace(hashed, "gateway-config")
        assert json.dumps(charts[key], sort_keys=True) == wanted, key


def test_whoever_reads_sums_shows_a_token_of_a_secret_that_may_come_later(tmp_path):
    """As the component of kustomize has it, for tools/rollout."""
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump({
        "resources": [os.path.relpath(ROOT / "k8s/base/gateway", tmp_path)],
        "components": [os.path.relpath(ROOT / "k8s/components/custom-metrics", tmp_path)]}))
    wanted = find(documents(build(tmp_path)), "Deployment", "gateway")["spec"]["template"]["spec"]
    made = find(rendered("customMetrics.enabled=true", "customMetrics.readersSecret=gateway-readers"), "Deployment",
                "gateway")["spec"]["template"]["spec"]
    for pod in (made, wanted):
        pod["containers"][0]["volumeMounts"].sort(key=lambda each: each["name"])
        pod["volumes"] = [each for each in pod["volumes"] if each["name"] != "config"]
    assert made == wanted
    assert made["volumes"] == [{"name": "readers", "secret": {"secretName": "gateway-readers", "optional": True}}]


@pytest.mark.parametrize("values, flags", [
    ([], []),
    (["customMetrics.enabled=true"], ["--metrics-service=gateway-metrics"]),
    (["customMetrics.enabled=true", "customMetrics.external=true"], ["--external-metrics"]),
    (["customMetrics.enabled=true", "customMetrics.readersSecret=some"], [READERS]),
    (["watchNamespaces=[\"a\",\"b\"]"], ["--watch-namespace=a", "--watch-namespace=b"]),
    (["ingressClass.controller=example.com/inner"], ["--controller=example.com/inner"]),
    (["defaultCertificate=a/b", "defaultBackend=a/b:http"], ["--default-certificate=a/b", "--default-backend=a/b:http"]),
    (["arguments=[\"--also-class=nginx\"]"], ["--also-class=nginx"]),
    (["publishService=outer"], ["--publish-service=gateway/outer"]),
    (["publishService=", "publishAddresses=[\"192.0.2.1\",\"2001:db8::1\",\"lb.example.com\"]"],
     ["--publish-address=192.0.2.1", "--publish-address=2001:db8::1", "--publish-address=lb.example.com"]),
])
def test_values_become_flags_that_the_program_knows(values, flags, tmp_path):
    found = arguments(rendered(*values))
    assert set(flags) <= set(found)
    if not values:
        assert found == ["--kubernetes", "--config=/etc/gateway/gateway.yaml", "--publish-service=gateway/gateway"]
    configuration = tmp_path / "gateway.yaml"
    configuration.write_text(find(rendered(*values), "ConfigMap", "gateway-config")["data"]["gateway.yaml"])
    done = run(BIN / "gateway", *[f"--config={configuration}" if each.startswith("--config") else each for each in found],
               "--check")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_configuration_is_merged_over_the_charts_own_and_accepted(tmp_path):
    values = tmp_path / "values.yaml"
    values.write_text("configuration:\n  process: {drain: {delay: 1m30s, deadline: 20s}}\n  access_log: {format: text}\n"
                      "  filters: [{type: request_id}, {type: rate_limit, by: address, rate: 5, burst: 5}]\n"
                      "terminationGracePeriodSeconds: 111\n")
    text = find(rendered(file=values), "ConfigMap", "gateway-config")["data"]["gateway.yaml"]
    made = yaml.safe_load(text)
    assert made["process"]["drain"] == {"delay": "1m30s", "deadline": "20s"}
    assert made["access_log"] == {"path": "stdout", "format": "text"}
    assert [each["type"] for each in made["filters"]] == ["request_id", "rate_limit"]
    assert [each["name"] for each in made["listeners"]] == ["https", "http"]
    (tmp_path / "gateway.yaml").write_text(text)
    assert run(BIN / "gateway", "--kubernetes", f"--config={tmp_path}/gateway.yaml", "--check").returncode == 0


def test_an_autoscaler_takes_the_place_of_the_number():
    found = rendered("autoscaling.enabled=true", "autoscaling.maxReplicas=9")
    assert "replicas" not in find(found, "Deployment", "gateway")["spec"]
    scaler = find(found, "HorizontalPodAutoscaler", "gateway")["spec"]
    assert (scaler["minReplicas"], scaler["maxReplicas"]) == (3, 9)
    assert find(rendered("replicas=4"), "Deployment", "gateway")["spec"]["replicas"] == 4
    assert "HorizontalPodAutoscaler" not in {each["kind"] for each in rendered()}


def test_watched_namespaces_are_all_that_can_be_read():
    found = rendered("watchNamespaces=[\"one\",\"two\"]")
    role = find(found, "ClusterRole", "gateway")
    assert [rule["resources"] for rule in role["rules"]] == [["ingressclasses"]]
    watched = [each for each in found if each["kind"] == "Role" and each["metadata"]["name"] == "gateway-watched"]
    assert [each["metadata"]["namespace"] for each in watched] == ["one", "two"]
    assert all(["services", "secrets", "configmaps"] in [rule["resources"] for rule in each["rules"]] for each in watched)
    # Its own, for the Service with its address and for its replicas.
    own = [rule["resources"] for rule in find(found, "Role", "gateway")["rules"]]
    assert ["services"] in own and ["endpointslices"] in own
    assert ["services"] not in [rule["resources"] for rule in find(rendered(), "Role", "gateway")["rules"]]


def node_rules(*values):
    """The rules about nodes in all that a release grants."""
    return [rule for each in rendered(*values) if each["kind"] in ("ClusterRole", "Role") for rule in each["rules"]
            if "nodes" in rule["resources"]]


@pytest.mark.parametrize("more", [
    [], ["watchNamespaces=[\"one\"]"], ["customMetrics.enabled=true"], ["service.type=NodePort"],
    ["arguments=[\"--also-class=nginx\"]"]])
def test_nodes_may_be_read_where_their_addresses_are_shown(more):
    assert node_rules("publishService=", *more) == [{"apiGroups": [""], "resources": ["nodes"], "verbs": ["list", "watch"]}]
    assert not [each for each in arguments(rendered("publishService=", *more)) if each.startswith("--publish")]


@pytest.mark.parametrize("values", [
    [], ["publishService=outer"], ["watchNamespaces=[\"one\"]"], ["customMetrics.enabled=true"],
    ["publishService=", "publishAddresses=[\"192.0.2.1\"]"],
    ["publishService=", "arguments=[\"--publish-service=edge/gateway\"]"],
    ["publishService=", "arguments=[\"--also-class=nginx\",\"--publish-address=192.0.2.1\"]"],
    ["publishService=", "arguments=[\"--shadow\"]"]])
def test_nodes_may_not_be_read_where_other_addresses_or_none_are_shown(values):
    assert node_rules(*values) == []


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_no_overlay_may_read_nodes(environment):
    assert not [each for each in objects(environment) if each["kind"] in ("ClusterRole", "Role")
                for rule in each["rules"] if "nodes" in rule["resources"]]


def test_two_releases_in_two_namespaces_share_no_name_of_the_cluster():
    def wide(release):
        return {(each["kind"], each["metadata"]["name"])
                for each in rendered("ingressClass.name=" + release, release=release, namespace=release)
                if each["kind"] in ("ClusterRole", "ClusterRoleBinding", "IngressClass")}
    assert len(wide("outer")) == 3 and not wide("outer") & wide("inner")


def test_an_image_can_be_pinned_by_its_digest():
    digest = "sha256:" + "a" * 64
    found = rendered("image.repository=registry.example.com:5000/gateway/gateway", f"image.digest={digest}")
    image = containers(find(found, "Deployment", "gateway"))[0]["image"]
    assert image == f"registry.example.com:5000/gateway/gateway:{VERSION}@{digest}"


@pytest.mark.parametrize("value, said", [
    ("replica=3", "replica"),
    ("replicas=0", "replicas"),
    ("replicas=many", "replicas"),
    *[(f"{each}.nonsense=1", "nonsense") for each in ("image", "autoscaling", "ingressClass", "customMetrics", "service",
                                                     "serviceAccount", "podDisruptionBudget", "networkPolicy",
                                                     "configuration", "configuration.process", "resources")],
    ("image.tag=latest", "tag"),
    ("image.digest=sha256:1234", "digest"),
    ("service.type=ExternalName", "type"),
    ("service.httpPort=0", "httpPort"),
    ("configuration.process.drain.delay=soon", "delay"),
    ("configuration.filters=[{\"type\":\"rate_limt\"}]", "filters"),
    ("arguments=[\"also-class=nginx\"]", "arguments"),
    ("defaultCertificate=public", "defaultCertificate"),
    ("publishService=edge/gateway", "publishService"),
    ("publishAddresses=[\"a/b\"]", "publishAddresses"),
    ("publishAddresses=[\"192.0.2.1\"]", "publishAddresses has no effect beside publishService"),
    ("networkPolicy.upstreamNamespaceLabels=null", "upstreamNamespaceLabels"),
    ("customMetrics.external=true", "customMetrics.external needs customMetrics.enabled"),
    ("customMetrics.readersSecret=gateway-readers", "customMetrics.readersSecret needs customMetrics.enabled"),
    ("customMetrics.readersSecret=a/b", "readersSecret"),
    ("terminationGracePeriodSeconds=75", "must be more than process.drain.delay and deadline together (75 s)"),
])
def test_a_value_that_is_wrong_is_refused_by_its_name(value, said):
    done = template(value)
    assert done.returncode != 0 and said in done.stderr, done.stderr


def test_neighbours_in_the_namespace_are_left_alone_unless_asked():
    def selected(*values):
        return [each["spec"]["podSelector"] for each in rendered(*values) if each["kind"] == "NetworkPolicy"]

    assert {} not in selected() and {} in selected("networkPolicy.wholeNamespace=true")


def test_bounds_of_the_autoscaler_must_fit():
    done = template("autoscaling.enabled=true", "autoscaling.minReplicas=7")
    assert done.returncode != 0 and "minReplicas is more than" in done.stderr


def test_the_test_of_a_release_has_the_rights_of_nobody():
    hooks = [each for each in rendered() if each["metadata"].get("annotations", {}).get("helm.sh/hook") == "test"]
    assert sorted(each["kind"] for each in hooks) == ["NetworkPolicy", "Pod"]
    pod = find(hooks, "Pod", "gateway-test")["spec"]
    assert pod["automountServiceAccountToken"] is False and pod["securityContext"]["runAsNonRoot"] is True
    assert pod["containers"][0]["securityContext"]["readOnlyRootFilesystem"] is True
    assert "NetworkPolicy" not in {each["kind"] for each in rendered("networkPolicy.enabled=false")}


@pytest.mark.parametrize("values, said", [
    ([], "No autoscaler reads its request rates"),
    (["customMetrics.enabled=true"], "kubectl get --raw /apis/custom.metrics.k8s.io/v1beta2"),
    (["watchNamespaces={one,two}"], "serves the namespaces one, two"),
    (["ingressClass.default=true"], "and those that name none"),
])
def test_whoever_installs_it_is_told_what_to_do_next(values, said):
    done = helm("install", "gateway", str(CHART), "--namespace", "edge", "--dry-run=client", "--kubeconfig", "/dev/null",
                *[part for each in values for part in ("--set", each)])
    notes = done.stdout.partition("NOTES:\n")[2]
    assert said in notes and "kubectl -n edge get service gateway" in notes, done.stderr


def test_the_package_has_the_files_of_the_chart_and_no_others(tmp_path):
    done = helm("package", str(CHART), "--destination", str(tmp_path))
    assert done.returncode == 0, done.stderr
    with tarfile.open(tmp_path / f"gateway-{VERSION}.tgz") as package:
        names = {name.partition("/")[2] for name in package.getnames()}
    tracked = run("git", "ls-files", "--cached", "--others", "--exclude-standard", ".", cwd=CHART).stdout.split()
    assert names == set(tracked)
