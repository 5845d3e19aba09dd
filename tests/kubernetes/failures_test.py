"""Replicas that hang and an API server that is away: no autoscaler is misled, no request is lost."""
import contextlib
import math
import os
import re
import subprocess
import time
import urllib.parse
import urllib.request

import pytest

from harness.api import wait_until
from harness.certificates import make_secret
from harness.cluster import RATE, RESOURCE_METRICS, TOKEN, ingress
from harness.load import Load, ask, certificate
from harness.network import HOST
from harness.plane import SERVICE_ADDRESS

TARGET = 20
CONVERGED = 2  # seconds after the API server is back
MOVED = 5  # seconds after a replica hangs, by when its clients have gone to others
ABSENCE = float(os.environ.get("GATEWAY_PLANE_ABSENCE_SECONDS", "20"))
NOTICED = 45  # seconds after packets stop to arrive
OTHER = "other.example.com"


@pytest.fixture(scope="module")
def three_app_a(gateway):
    """Load for three App A, and autoscalers that could scale down at once: yields the loads, one for each
    replica of the gateway."""
    gateway.adapter.install(RESOURCE_METRICS)
    metrics = gateway.autoscaler("app-a")["spec"]["metrics"]
    metrics[0]["object"]["target"]["averageValue"] = str(TARGET)
    gateway.api.patch("HorizontalPodAutoscaler", "app-a", {"spec": {
        "metrics": metrics, "behavior": {"scaleDown": {"stabilizationWindowSeconds": 0}}}}, "jobs")
    gateway.scale("gateway", 3, "gateway")
    with contextlib.ExitStack() as stack:
        loads = [stack.enter_context(Load(2.5 * TARGET / 3, target=(each.network.address, 8443), width=4, timeout=3))
                 for each in gateway.gateways()]
        wait_until(lambda: gateway.replicas("app-a") == 3, 60, "three App A")
        # Not known for a moment, when a replica has come or gone.
        wait_until(lambda: abs((gateway.rate() or 0) - 2.5 * TARGET) < 0.1 * TARGET, 60, "the whole rate")
        yield loads
    gateway.adapter.uninstall(RESOURCE_METRICS)


def test_one_replica_of_three_that_hangs_never_scales_down(gateway, three_app_a):
    hanging = gateway.gateways()[0]
    fewest, most, unread = 3, 3, set()

    def look():
        nonlocal fewest, most
        desired = gateway.autoscaler("app-a")["status"]["desiredReplicas"]
        fewest, most = min(fewest, desired, gateway.replicas("app-a")), max(most, desired)
        if gateway.condition("app-a", "ScalingActive")["status"] != "True":
            unread.add(gateway.plane.autoscaler_syncs())

    def for_seconds(seconds):
        end = time.monotonic() + seconds
        wait_until(lambda: look() or time.monotonic() >= end, seconds + 10, f"the end of {seconds} s")

    gateway.stop_process(hanging)
    stopped = time.monotonic()
    try:
        for_seconds(MOVED)
        # Its clients go to the others.
        for load, share in zip(three_app_a, (0, 0.5, 0.5)):
            load.rate = share * 2.5 * TARGET
        # Longer than a lost peer's last rate is counted.
        gateway.wait_for_syncs(7, look)
        for_seconds(max(0.0, stopped + ABSENCE - time.monotonic()))
        assert fewest == 3
        # Its last rate and that of its clients elsewhere, both.
        assert most <= math.ceil(2.5 * (1 + 1 / 3))
        assert len(unread) <= 2 * len(gateway.api.list("HorizontalPodAutoscaler"))
        assert gateway.rate() == pytest.approx(2.5 * TARGET, rel=0.1)
    finally:
        gateway.continue_process(hanging)
    assert not [each.failures for each in three_app_a[1:] if each.failures]
    wait_until(lambda: len(gateway.ready_pods("gateway", "gateway")) == 3, 60, "three ready replicas")


def test_all_replicas_dark_freeze_the_autoscaler(gateway, three_app_a):
    hanging = gateway.gateways()
    for each in hanging:
        gateway.stop_process(each)
    try:
        for load in three_app_a:
            load.rate = 0
        wait_until(lambda: gateway.condition("app-a", "ScalingActive")["status"] == "False", 60, "no number")
        gateway.wait_for_syncs(2)
        assert gateway.condition("app-a", "ScalingActive")["reason"] == "FailedGetObjectMetric"
        assert gateway.replicas("app-a") == 3
    finally:
        for each in hanging:
            gateway.continue_process(each)
    wait_until(lambda: gateway.replicas("app-a") == 1, 120, "one App A, by true numbers again")
    # On a slow machine they hung for so long that their probes began to restart them.
    wait_until(lambda: len(gateway.ready_pods("gateway", "gateway")) == 3, 90, "three ready replicas")


def shows(pods, host, status=200):
    """Whether all of these replicas answer so."""
    return all(ask("/hello", host=host, address=each.network.address, port=8443)[0] == status for each in pods)


def expired(gateway, version):
    """Whether a watch that goes on from there is told that it cannot (410 Gone)."""
    answer = gateway.api.request("GET", gateway.api.path("Ingress", "jobs") + "?" + urllib.parse.urlencode(
        {"watch": "true", "resourceVersion": version, "timeoutSeconds": "1"}))
    return answer["type"] == "ERROR" and answer["object"]["code"] == 410


def test_the_api_server_is_away_and_its_history_is_gone_when_it_comes_back(gateway):
    plane, pods = gateway.plane, gateway.gateways()
    hosts = [f"{name}.example.com" for name in ("missed", "changed", "removed")]
    missed, changed, removed = (ingress(host.split(".")[0], "/hello", host=host) for host in hosts)
    gateway.apply(changed + "---" + removed)
    wait_until(lambda: all(shows(pods, host) for host in hosts[1:]), 10, "what is there before")
    version = gateway.api.find("Ingress", "removed", "jobs")["metadata"]["resourceVersion"]
    with Load(30) as load:
        wait_until(lambda: load.answered >= 60, 30, "traffic")
        plane.kill("kube-apiserver")
        left = time.monotonic()
        # Written where no pod sees it: when the server is back, it is the past, and only its end is known.
        plane.start_api_server(port=6444)
        gateway.apply(missed + "---" + changed.replace("path: /hello", "path: /other"))
        gateway.kubectl("delete", "-n", "jobs", "-f", "-", text=removed)
        plane.compact()
        plane.kill("kube-apiserver")
        wait_until(lambda: time.monotonic() >= left + ABSENCE, ABSENCE + 10, "the end of the absence")
        before = load.answered
        wait_until(lambda: load.answered >= before + 60, 30, "traffic without an API server")
        assert [shows(pods, host) for host in hosts] == [False, True, True]
        plane.start_api_server()
        wait_until(lambda: [shows(pods, host, status) for host, status in zip(hosts, (200, 404, 404))] == [True] * 3,
                   CONVERGED, "what was missed")
        assert expired(gateway, version)
    assert not load.failures, load.failures[:5]
    gateway.kubectl("delete", "-n", "jobs", "-f", "-", text=missed + "---" + changed)
    wait_until(lambda: gateway.rate() is not None, 60, "the custom metrics API")


def drop_what_is_open(pod):
    """From now on nothing of the pod's connections to the API server arrives, and nobody is told."""
    enter = ["ip", "netns", "exec", pod.network.name]
    listed = subprocess.run([*enter, "ss", "-Htn", "state", "established", "dst", SERVICE_ADDRESS], check=True,
                            capture_output=True, text=True).stdout
    ports = ", ".join(sorted({line.split()[2].rsplit(":", 1)[1] for line in listed.splitlines()}))
    assert ports, "no connection to the API server"
    subprocess.run([*enter, "nft", "-f", "-"], text=True, check=True, input=f"""
        table ip dropped {{
          chain out {{ type filter hook output priority 0; ip daddr {SERVICE_ADDRESS} tcp sport {{ {ports} }} drop; }}
          chain in {{ type filter hook input priority 0; ip saddr {SERVICE_ADDRESS} tcp dport {{ {ports} }} drop; }}
        }}""")


def test_connections_to_the_api_server_that_fall_silent_are_noticed(gateway):
    silent = ingress("silent", "/hello", host=OTHER)
    pods = gateway.gateways()
    with Load(30) as load:
        wait_until(lambda: load.answered >= 60, 30, "traffic")
        for each in pods:
            drop_what_is_open(each)
        gateway.apply(silent)
        assert not any(shows([each], OTHER) for each in pods)
        wait_until(lambda: shows(pods, OTHER), NOTICED, "what was told to nobody")
    assert not load.failures, load.failures[:5]
    gateway.kubectl("delete", "-n", "jobs", "-f", "-", text=silent)


def test_the_front_proxy_gets_another_authority(gateway):
    plane, pods = gateway.plane, gateway.gateways()
    path = f"/namespaces/jobs/ingresses.networking.k8s.io/jobs/{RATE}"

    def statuses(certificate):
        return [gateway.ask_directly(path, certificate, each)[0] for each in pods]

    assert statuses("front-proxy-client") == [200] * len(pods)
    plane.pki.renew_front_proxy()
    plane.kill("kube-apiserver")
    plane.start_api_server()
    wait_until(lambda: gateway.rate() is not None, 60, "an answer to the new certificate")
    # An API server adds its own authority to those of others; whoever rotates takes the old one away.
    wait_until(lambda: statuses("front-proxy-client") == [200] * len(pods), 10, "the new certificate")
    assert statuses("old-front-proxy-client") == [200] * len(pods)
    authority = (plane.pki.folder / "front-proxy-ca.crt").read_text()
    gateway.api.patch("ConfigMap", "extension-apiserver-authentication", {
        "data": {"requestheader-client-ca-file": authority}}, "kube-system")
    wait_until(lambda: set(statuses("old-front-proxy-client")) <= {401, None}, 10, "the end of the old one")
    assert statuses("front-proxy-client") == [200] * len(pods)
    assert gateway.rate() is not None


def routes(pod):
    """The names of the routes that a replica counts requests of."""
    with urllib.request.urlopen(f"http://{pod.network.address}:9902/metrics", timeout=5) as answer:
        return set(re.findall(r'route="([^"]+)"', answer.read().decode()))


def answers(pod):
    """What a replica says to the same questions."""
    return [ask(path, method, headers, pod.network.address, 8443, host)
            for path, method, headers, host in (
                ("/hello", "GET", {}, HOST), ("/jobs", "POST", TOKEN, HOST), ("/hello", "GET", {}, OTHER),
                ("/nowhere", "GET", {}, HOST))]


def test_a_restarted_replica_serves_and_counts_what_the_others_do(gateway, apply, tmp_path):
    text, shown = make_secret(tmp_path, "other-tls", OTHER)
    apply(text)
    apply(ingress("secured", "/hello", host=OTHER) + f"  tls: [{{hosts: [{OTHER}], secretName: other-tls}}]\n")
    gateway.scale("gateway", 3, "gateway")
    old = {each.name for each in gateway.gateways()}
    ended = min(old)
    gateway.api.delete("Pod", ended, "gateway")
    wait_until(lambda: ended not in {each.name for each in gateway.gateways()}, 90, "its end")
    wait_until(lambda: len(gateway.ready_pods("gateway", "gateway")) == 3 and len(gateway.gateways()) == 3, 60,
               "its successor")
    *others, fresh = sorted(gateway.gateways(), key=lambda pod: pod.name not in old)
    assert fresh.name not in old and {each.name for each in others} <= old
    wait_until(lambda: all(certificate(each.network.address, 8443, OTHER) == shown for each in (*others, fresh)), 10,
               "the certificate")
    assert [status for status, _ in answers(fresh)] == [200, 200, 200, 404]
    for each in others:
        assert answers(each) == answers(fresh)
        # Older ones also count what they served before.
        assert routes(fresh) <= routes(each)
    assert any("jobs/jobs" in name for name in routes(fresh))
    with Load(30, width=6) as load:
        wait_until(lambda: all(abs((gateway.rate_of(each) or 0) - 30) <= 1.5 for each in (*others, fresh)), 60,
                   "the same sum of all three")
    assert not load.failures, load.failures[:5]
