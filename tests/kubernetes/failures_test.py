"""Replicas that hang and an API server that is away: no autoscaler is misled, no request is lost."""
import contextlib
import re
import urllib.request

import pytest

from harness.api import wait_until
from harness.cluster import RESOURCE_METRICS, TOKEN, ingress
from harness.load import Load, ask
from harness.network import HOST

TARGET = 20
CONVERGED = 2  # seconds after the API server is back
OTHER = "other.example.com"


@pytest.fixture
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
    gateway.scale("gateway", 2, "gateway")
    gateway.adapter.uninstall(RESOURCE_METRICS)


def test_one_replica_of_three_that_hangs_never_scales_down(gateway, three_app_a):
    hanging = gateway.gateways()[0]
    fewest = 3

    def look():
        nonlocal fewest
        fewest = min(fewest, gateway.autoscaler("app-a")["status"]["desiredReplicas"], gateway.replicas("app-a"))

    gateway.stop_process(hanging)
    try:
        # Its clients go to the others.
        for load, share in zip(three_app_a, (0, 0.5, 0.5)):
            load.rate = share * 2.5 * TARGET
        # Longer than a lost peer's last rate is counted.
        gateway.wait_for_syncs(8, look)
        assert fewest == 3
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


def test_the_api_server_goes_and_comes_back(gateway):
    plane = gateway.plane
    missed = ingress("missed", "/hello", host=OTHER)
    with Load(30) as load:
        wait_until(lambda: load.answered >= 60, 30, "traffic")
        plane.kill("kube-apiserver")
        # Written where no pod sees it: when the server is back, it is the past.
        plane.start_api_server(port=6444)
        gateway.apply(missed)
        assert ask("/hello", host=OTHER)[0] == 404
        plane.kill("kube-apiserver")
        before = load.answered
        wait_until(lambda: load.answered >= before + 60, 30, "traffic without an API server")
        plane.start_api_server()
        wait_until(lambda: ask("/hello", host=OTHER)[0] == 200, CONVERGED, "what was missed")
    assert not load.failures, load.failures[:5]
    gateway.kubectl("delete", "-n", "jobs", "-f", "-", text=missed)
    wait_until(lambda: gateway.rate() is not None, 60, "the custom metrics API")


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


def test_a_restarted_replica_serves_what_the_other_does(gateway):
    wait_until(lambda: len(gateway.gateways()) == 2, 90, "the end of those before")
    old = gateway.gateways()
    gateway.api.delete("Pod", old[0].name, "gateway")
    wait_until(lambda: old[0].name not in {each.name for each in gateway.gateways()}, 90, "its end")
    wait_until(lambda: len(gateway.ready_pods("gateway", "gateway")) == 2 and len(gateway.gateways()) == 2, 60,
               "its successor")
    first, second = sorted(gateway.gateways(), key=lambda pod: pod.name not in {each.name for each in old})
    assert second.name not in {each.name for each in old}
    # The older one also counts what it served before.
    assert routes(second) <= routes(first)
    assert any("jobs/jobs" in name for name in routes(second))
    assert [status for status, _ in answers(first)] == [200, 200, 404, 404]
    assert answers(first)[:2] == answers(second)[:2]
    assert [status for status, _ in answers(second)] == [200, 200, 404, 404]
