"""The scrape examples. Debian's Prometheus has neither Kubernetes' nor Nomad's discovery built in, so their targets
come from a file with the labels that those would give, and the example's own relabelling runs on them."""
import json
import subprocess

import pytest
import yaml

from harness import wait_until
from support.promtool import ROOT
from support.stack import PROMETHEUS

EXAMPLES = sorted((PROMETHEUS / "scrape").glob("*.yaml"))
# What may be said of a discovery, by Prometheus' reference.
DISCOVERY = {"kubernetes_sd_configs": {"role", "namespaces", "api_server", "selectors"},
             "nomad_sd_configs": {"server", "namespace", "region", "refresh_interval"}}


def as_files(job, file):
    """The job with its targets from a file; its discovery is checked here instead."""
    job = dict(job)
    for name, keys in DISCOVERY.items():
        for block in job.pop(name, []):
            assert set(block) <= keys, block
            job["file_sd_configs"] = [{"files": [str(file)]}]
    # Files of a cluster, which are not here.
    for name in ("tls_config", "authorization"):
        job.pop(name, None)
    return job


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_a_configuration(example, tmp_path):
    body = yaml.safe_load(example.read_text())
    for name in body["rule_files"]:
        assert (example.parent / name).is_file(), name
    body["rule_files"] = []
    body["scrape_configs"] = [as_files(job, tmp_path / "targets.json") for job in body["scrape_configs"]]
    (tmp_path / "prometheus.yaml").write_text(yaml.safe_dump(body))
    (tmp_path / "targets.json").write_text("[]")
    done = subprocess.run(["promtool", "check", "config", tmp_path / "prometheus.yaml"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def deployments():
    """Name, namespace and ports of each Deployment of k8s/: what applications share is one file."""
    names = [("gateway", "gateway", "base/gateway/deployment.yaml")]
    for path in sorted((ROOT / "k8s/applications").glob("*/kustomization.yaml")):
        namespace = yaml.safe_load(path.read_text())["namespace"]
        names.append((path.parent.name, namespace, "components/application/application.yaml"))
    for name, namespace, file in names:
        body = next(each for each in yaml.safe_load_all((ROOT / "k8s" / file).read_text())
                    if each["kind"] == "Deployment")
        yield name, namespace, body["spec"]["template"]["spec"]["containers"][0]["ports"]


def pods():
    """A target for each container port of each of them, as the role `pod` finds it."""
    for name, namespace, ports in deployments():
        for phase in ("Running", "Succeeded"):
            for port in ports:
                yield {"targets": [f"10.0.0.1:{port['containerPort']}"], "labels": {
                    "__meta_kubernetes_namespace": namespace,
                    "__meta_kubernetes_pod_name": f"{name}-{phase.lower()}",
                    "__meta_kubernetes_pod_label_app_kubernetes_io_name": name,
                    "__meta_kubernetes_pod_phase": phase,
                    "__meta_kubernetes_pod_container_port_name": port["name"]}}


def services():
    for name, tags in (("gateway", ",metrics,"), ("gateway", ",public,"), ("app-a", ",blue,metrics,"), ("other", ",x,")):
        yield {"targets": ["10.0.0.1:9902"], "labels": {
            "__meta_nomad_service": name, "__meta_nomad_tags": tags, "__meta_nomad_namespace": "default",
            "__meta_nomad_node_id": "n1"}}


@pytest.mark.parametrize("example, targets, expected", [
    ("kubernetes", pods, {("gateway", "10.0.0.1:9902", "gateway"), ("app-a", "10.0.0.1:9902", "jobs"),
                          ("app-b", "10.0.0.1:9902", "jobs"), ("hello", "10.0.0.1:9902", "hello"),
                          ("visitors", "10.0.0.1:9902", "visitors")}),
    ("nomad", services, {("gateway", "10.0.0.1:9902", "default"), ("app-a", "10.0.0.1:9902", "default")}),
])
def test_relabelling_leaves_the_ports_of_the_metrics_under_the_right_job(example, targets, expected, tmp_path):
    body = yaml.safe_load((PROMETHEUS / f"scrape/{example}.yaml").read_text())
    job = next(job for job in body["scrape_configs"] if job["job_name"] == "gateway-and-apps")
    (tmp_path / "targets.json").write_text(json.dumps(list(targets())))
    (tmp_path / "prometheus.yaml").write_text(
        yaml.safe_dump({"scrape_configs": [as_files(job, tmp_path / "targets.json")]}))
    done = subprocess.run(["promtool", "check", "service-discovery", "--timeout=5s", tmp_path / "prometheus.yaml",
                           "gateway-and-apps"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    kept = [each["labels"] for each in json.loads(done.stdout) if each.get("labels")]
    assert {(each["job"], each["instance"] if "instance" in each else each["__address__"], each["namespace"])
            for each in kept} == expected
    assert len(kept) == len(expected)


def test_pods_are_chosen_by_labels_that_the_manifests_have():
    monitor = yaml.safe_load((ROOT / "monitoring/kubernetes/pod-monitor.yaml").read_text())["spec"]
    names = set(monitor["selector"]["matchExpressions"][0]["values"])
    there = {each["labels"]["__meta_kubernetes_pod_label_app_kubernetes_io_name"] for each in pods()}
    assert names == there
    port = monitor["podMetricsEndpoints"][0]["port"]
    assert all(any(each["labels"]["__meta_kubernetes_pod_container_port_name"] == port for each in pods()
                   if each["labels"]["__meta_kubernetes_pod_label_app_kubernetes_io_name"] == name) for name in names)


def test_a_peer_that_is_not_heard_is_told_and_so_is_that_no_sum_is_known(stack):
    own = f"127.0.0.1:{stack.cluster}"
    missed = 'sum(gateway_cluster_peers{job="gateway",state!="fresh"})'
    known = 'gateway_cluster_sums_known{job="gateway"}'
    wait_until(lambda: stack.values(missed) == [0.0] and stack.values(known) == [1.0], "alone, none is missed", 60)
    stack.peers(own, "127.0.0.1:1")
    wait_until(lambda: stack.values(missed) == [1.0] and stack.values(known) == [0.0], "a peer is silent", 60)
    stack.peers(own)
    wait_until(lambda: stack.values(missed) == [0.0] and stack.values(known) == [1.0], "it is not listed any more", 60)


def test_the_end_of_the_certificate_is_what_a_client_sees(stack):
    told = 'gateway_certificate_expiry_seconds{job="gateway",use="listener"}'
    seen = 'probe_ssl_earliest_cert_expiry{job="gateway-tls"}'
    wait_until(lambda: stack.values(told) and stack.values(told) == stack.values(seen), "both ends are one", 60)
    assert stack.values(f'gateway_certificate_expiry_seconds{{job="gateway",use="cluster"}} == on () {seen}')


def test_a_refused_configuration_is_told_until_another_is_accepted(stack):
    refused = 'gateway_config_refused{job="gateway"}'
    wait_until(lambda: stack.values(refused) == [0.0], "it was accepted", 60)
    good = (stack.folder / "gateway.yaml").read_text()
    stack.write_config(good + "no_such_section: 1\n")
    wait_until(lambda: stack.values(refused) == [1.0], "it is refused", 60)
    stack.write_config(good)
    wait_until(lambda: stack.values(refused) == [0.0], "the one in use is there again", 60)
