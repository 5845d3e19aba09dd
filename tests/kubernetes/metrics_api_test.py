"""custom.metrics.k8s.io as the API server passes it on."""
import json
import re

import pytest

from harness.api import ApiError, wait_until
from harness.cluster import METRICS, RATE, RESOURCE_METRICS, quantity
from harness.load import Load

P99 = "gateway_latency_p99_seconds"
AUTOSCALER = ("--as=system:serviceaccount:kube-system:horizontal-pod-autoscaler",
              "--as-group=system:serviceaccounts", "--as-group=system:serviceaccounts:kube-system",
              "--as-group=system:authenticated")
PODS = "/namespaces/jobs/pods"
OF_APP_A = "?labelSelector=app.kubernetes.io%2Fname%3Dapp-a"
PATHS = (f"/namespaces/jobs/ingresses.networking.k8s.io/jobs/{RATE}",
         f"/namespaces/jobs/ingresses.networking.k8s.io/hello/{RATE}",
         f"/namespaces/jobs/ingresses.networking.k8s.io/%2A/{RATE}",
         f"/namespaces/jobs/services/app-a/{RATE}",
         f"{PODS}/%2A/{RATE}",
         f"{PODS}/*/{RATE}{OF_APP_A}",
         f"/namespaces/jobs/metrics/{RATE}")


@pytest.mark.parametrize("path", PATHS)
def test_each_path_of_the_api_reads_a_number(gateway, path):
    items = gateway.metric(path)
    assert items
    for each in items:
        assert each["metric"]["name"] == RATE
        assert quantity(each["value"]) >= 0
        assert each["windowSeconds"] > 0


def test_an_object_is_answered_with_one_item_that_names_it(gateway):
    items = gateway.metric(PATHS[0])
    assert [each["describedObject"]["name"] for each in items] == ["jobs"]
    assert items[0]["describedObject"]["kind"] == "Ingress"
    assert items[0]["describedObject"]["apiVersion"] == "networking.k8s.io/v1"


def test_discovery_lists_what_may_be_read_with_the_verb_get_alone(gateway):
    listed = json.loads(gateway.kubectl("get", "--raw", METRICS))["resources"]
    names = {each["name"] for each in listed}
    assert {f"ingresses.networking.k8s.io/{RATE}", f"services/{RATE}", f"pods/{RATE}"} <= names
    assert f"pods/{P99}" not in names
    assert {tuple(each["verbs"]) for each in listed} == {("get",)}


def error_of(gateway, path):
    with pytest.raises(ApiError) as caught:
        gateway.api.request("GET", METRICS + path)
    return caught.value.code


def test_what_is_not_known_is_an_error_and_never_a_number(gateway):
    assert error_of(gateway, f"/namespaces/jobs/ingresses.networking.k8s.io/absent/{RATE}") == 404
    assert error_of(gateway, "/namespaces/jobs/ingresses.networking.k8s.io/jobs/absent") == 404
    assert error_of(gateway, PATHS[0] + "?metricLabelSelector=absent%3Dx") >= 400
    assert error_of(gateway, f"{PODS}/absent/{RATE}") == 404
    # A pod that there is, and no route leads to.
    assert error_of(gateway, f"{PODS}/{gateway.ready_pods('postgres')[0]}/{RATE}") == 404
    assert error_of(gateway, f"{PODS}/*/{P99}") == 404
    assert error_of(gateway, f"{PODS}/*/{RATE}?labelSelector=app%3D-") == 400


def test_who_may_not_read_is_refused_and_the_autoscaler_needs_no_grant(gateway):
    gateway.kubectl("get", "--raw", METRICS + PATHS[0], *AUTOSCALER)
    with pytest.raises(AssertionError, match="(?i)forbidden"):
        gateway.kubectl("get", "--raw", METRICS + PATHS[0], "--as=system:serviceaccount:jobs:default",
                        "--as-group=system:authenticated")


def test_forged_names_are_worth_nothing_without_the_front_proxy_certificate(gateway):
    assert gateway.ask_directly(PATHS[0], None)[0] == 401
    # One that another authority signed, the cluster's own, does not even pass the handshake, or is nobody.
    assert gateway.ask_directly(PATHS[0], "admin")[0] in (401, None)
    assert gateway.ask_directly(PATHS[0])[0] == 200


def test_replicas_under_uneven_load_sum_to_what_was_sent(gateway):
    gateway.scale("gateway", 3, "gateway")
    try:
        addresses = [each.network.address for each in gateway.gateways()]
        with Load(8, target=(addresses[0], 8443), width=2) as few, \
                Load(32, target=(addresses[1], 8443), width=4) as some, \
                Load(80, target=(addresses[2], 8443), width=8) as many:
            loads = (few, some, many)
            # A window is full, whatever its length.
            wait_until(lambda: sum(each.answered for each in loads) >= 2500, 60, "requests")
            readings = {}

            def read():
                item = gateway.metric(PATHS[0])[0]
                sent = sum(each.rate_since(item["windowSeconds"]) for each in loads)
                readings[item["timestamp"]] = (quantity(item["value"]), sent)
                return len(readings) >= 5

            wait_until(read, 60, "five readings")
            assert not [each.failures for each in loads if each.failures]
            for number, sent in readings.values():
                assert abs(number - sent) <= 0.02 * sent, readings
    finally:
        gateway.scale("gateway", 2, "gateway")


def numbers(gateway, path):
    return {each["describedObject"]["name"]: quantity(each["value"]) for each in gateway.metric(path)}


def test_pods_have_what_was_sent_to_each_and_together_all_of_it(gateway):
    gateway.scale("app-a", 2)
    try:
        pods = set(gateway.ready_pods("app-a"))
        with Load(40) as load:
            def readings():
                got = numbers(gateway, f"{PODS}/*/{RATE}{OF_APP_A}")
                return got if set(got) == pods and abs(sum(got.values()) - 40) <= 4 else None

            got = wait_until(readings, 60, "the rate of both pods")
            assert min(got.values()) > 0
            name = min(pods)
            item, = gateway.metric(f"{PODS}/{name}/{RATE}")
            assert item["describedObject"] == {"kind": "Pod", "namespace": "jobs", "name": name, "apiVersion": "v1"}
            assert 0 < quantity(item["value"]) < 40
            assert set(numbers(gateway, f"{PODS}/*/gateway_requests_in_flight{OF_APP_A}")) == pods
        assert not load.failures
        wait_until(lambda: set(numbers(gateway, f"{PODS}/*/{RATE}{OF_APP_A}").values()) == {0}, 90, "0 of idle pods")
    finally:
        gateway.scale("app-a", 1)
    wait_until(lambda: set(numbers(gateway, f"{PODS}/*/{RATE}{OF_APP_A}")) == set(gateway.ready_pods("app-a")), 30,
               "the one pod alone")


def test_an_idle_route_is_zero(gateway):
    wait_until(lambda: gateway.rate("hello") == 0, 90, "0 of an idle route")


@pytest.fixture
def resource_metrics(gateway):
    gateway.adapter.install(RESOURCE_METRICS)
    yield
    gateway.adapter.uninstall(RESOURCE_METRICS)


def test_the_autoscalers_as_shipped_are_well_and_have_nothing_to_complain_of(gateway, resource_metrics):
    """Their objects, targets and metrics as the development overlay has them, under load."""
    apps = ("app-a", "app-b")

    def well(app):
        return {kind: gateway.condition(app, kind)["status"] for kind in ("AbleToScale", "ScalingActive")} == {
            "AbleToScale": "True", "ScalingActive": "True"}

    def events():
        return [each for app in apps for each in gateway.events("HorizontalPodAutoscaler", app)]

    with Load(40) as load:
        wait_until(lambda: all(map(well, apps)), 60, "autoscalers that are well")
        for each in events():  # of when there was nothing to read yet
            gateway.api.delete("Event", each["metadata"]["name"], "jobs")
        gateway.wait_for_syncs(2)
        assert all(map(well, apps))
        assert not [each["note"] for each in events()]
        description = gateway.kubectl("describe", "hpa", *apps, "-n", "jobs")
        assert "<unknown>" not in description and "Failed" not in description, description
        assert re.search(r'"gateway_requests_per_second" on Ingress/jobs \(target average value\): *[1-9]\S* / 100',
                         description), description
    assert not load.failures


@pytest.fixture
def by_pods(gateway):
    before = gateway.autoscaler("app-a")["spec"]["metrics"]
    gateway.api.patch("HorizontalPodAutoscaler", "app-a", {"spec": {"metrics": [{"type": "Pods", "pods": {
        "metric": {"name": RATE}, "target": {"type": "AverageValue", "averageValue": "100"}}}]}}, "jobs")
    yield
    gateway.api.patch("HorizontalPodAutoscaler", "app-a", {"spec": {"metrics": before}}, "jobs")


def test_an_autoscaler_of_pods_reads_their_average(gateway, by_pods):
    pods = len(gateway.ready_pods("app-a"))

    def average():
        for each in gateway.autoscaler("app-a")["status"].get("currentMetrics") or []:
            if each and each["type"] == "Pods":
                return quantity(each["pods"]["current"]["averageValue"])
        return 0

    with Load(40) as load:
        wait_until(lambda: abs(average() - 40 / pods) <= 4, 90, "the average that the autoscaler read")
        for each in gateway.events("HorizontalPodAutoscaler", "app-a"):
            gateway.api.delete("Event", each["metadata"]["name"], "jobs")
        gateway.wait_for_syncs(2)
        assert gateway.condition("app-a", "ScalingActive")["status"] == "True"
        assert not [each["note"] for each in gateway.events("HorizontalPodAutoscaler", "app-a")]
    assert not load.failures


def test_the_api_server_logs_no_complaint_about_our_group(gateway):
    """From when the API was first available on, while all of the above was asked."""
    log = gateway.plane.log_text("kube-apiserver")[gateway.quiet_from:]
    complaints = [line for line in log.splitlines()
                  if re.match(r"[EW]\d{4} ", line) and "custom.metrics.k8s.io" in line]
    assert not complaints, complaints[:5]
