"""App A follows requests per second, App B follows processor time."""
import contextlib
import json
import math
import subprocess

import pytest

from harness.api import wait_until
from harness.cluster import RESOURCE_METRICS
from harness.load import Load
from harness.plane import HERE

TARGET = 20
SCALE_UP = 60  # seconds: the window of the metric, two syncs and the pods' own start


@pytest.fixture(scope="module", autouse=True)
def prompt_autoscalers(gateway):
    """Targets that a small and busy machine passes three times over, and no five minutes before a scale-down."""
    for app in ("app-a", "app-b"):
        metrics = gateway.autoscaler(app)["spec"]["metrics"]
        if app == "app-a":
            metrics[0]["object"]["target"]["averageValue"] = str(TARGET)
        else:
            metrics[0]["resource"]["target"]["averageUtilization"] = 10
        gateway.api.patch("HorizontalPodAutoscaler", app, {"spec": {
            "metrics": metrics, "behavior": {"scaleDown": {"stabilizationWindowSeconds": 0}}}}, "jobs")
        gateway.scale(app, 1)


@pytest.fixture
def resource_metrics(gateway):
    gateway.adapter.install(RESOURCE_METRICS)
    wait_until(lambda: gateway.condition("app-b", "ScalingActive")["status"] == "True", 60, "a reading of App B")
    yield
    gateway.adapter.uninstall(RESOURCE_METRICS)


def per_pod(gateway):
    """The requests per second and pod that the autoscaler saw last."""
    for each in gateway.autoscaler("app-a")["status"].get("currentMetrics") or []:
        if each and each["type"] == "Object":
            text = each["object"]["current"].get("averageValue", "0")
            return int(text[:-1]) / 1000 if text.endswith("m") else int(text)
    return 0


def test_app_a_follows_the_requests_up_and_down(gateway, resource_metrics):
    counts = {gateway.replicas("app-a")}

    def count():
        counts.add(gateway.replicas("app-a"))

    with Load(2.5 * TARGET) as load:
        wait_until(lambda: count() or gateway.replicas("app-a") == 3, SCALE_UP, "three App A")
        wait_until(lambda: len(gateway.ready_pods("app-a")) == 3, 30, "three ready App A")
        wait_until(lambda: abs(gateway.rate() - 2.5 * TARGET) < 0.1 * TARGET, 30, "the whole rate")
        gateway.wait_for_syncs(2, count)
        assert max(counts) == 3 == math.ceil(gateway.rate() / TARGET)

        description = gateway.kubectl("describe", "hpa", "app-a", "-n", "jobs")
        metrics = description.split("Metrics:")[1].split("Conditions:")[0]
        assert '"gateway_requests_per_second" on Ingress/jobs' in metrics
        assert "<unknown>" not in metrics
        assert gateway.condition("app-a", "ScalingActive")["reason"] == "ValidMetricFound"
        assert gateway.condition("app-a", "AbleToScale")["status"] == "True"

        # 7 % more than three can take is inside the tolerance.
        load.rate = 3 * 1.07 * TARGET
        wait_until(lambda: per_pod(gateway) > 1.03 * TARGET, 60, "the autoscaler has seen the step")
        gateway.wait_for_syncs(3, count)
        assert counts <= {1, 2, 3} and gateway.replicas("app-a") == 3

        load.rate = 0.5 * TARGET
        wait_until(lambda: gateway.replicas("app-a") == 1, 90, "one App A again")
    assert not load.failures


def test_app_b_follows_its_processor_time(gateway, resource_metrics):
    address = gateway.api.find("Service", "app-b", "jobs")["spec"]["clusterIP"]
    form = HERE / "token.form"
    command = ["nice", "-n", "5", "ab", "-q", "-t", "300", "-n", "2000000", "-c", "4", "-p", str(form), "-T",
               "application/x-www-form-urlencoded", f"http://{address}/auth"]
    with contextlib.ExitStack() as stack:
        busy = stack.enter_context(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        stack.callback(busy.kill)
        wait_until(lambda: gateway.replicas("app-b") > 1, SCALE_UP, "a second App B")
        wait_until(lambda: len(gateway.ready_pods("app-b")) > 1, 30, "a second ready App B")
    wait_until(lambda: gateway.replicas("app-b") == 1, 90, "one App B again")
    assert gateway.replicas("app-a") == 1


def test_without_resource_metrics_requests_scale_up_and_never_down(gateway):
    wait_until(lambda: gateway.condition("app-b", "ScalingActive")["status"] == "False", 60, "no processor time")
    with Load(2.5 * TARGET) as load:
        wait_until(lambda: gateway.replicas("app-a") == 3, SCALE_UP, "three App A")
    assert not load.failures
    wait_until(lambda: gateway.rate() < 0.5 * TARGET, 90, "a rate for one App A")
    gateway.wait_for_syncs(3)
    condition = gateway.condition("app-a", "ScalingActive")
    assert (condition["status"], condition["reason"]) == ("False", "FailedGetResourceMetric"), json.dumps(condition)
    assert gateway.replicas("app-a") == 3
    gateway.scale("app-a", 1)
