"""The sample services on the control plane, without the gateway: what the development overlay brings up."""
import re
import urllib.error
import urllib.parse
import urllib.request

from harness.api import wait_until
from harness.cluster import RESOURCE_METRICS


def post(address, port, path, body=b"", headers=None):
    request = urllib.request.Request(f"http://{address}:{port}{path}", body, headers or {}, method="POST")
    with urllib.request.urlopen(request, timeout=5) as answer:
        return answer.status, answer.read()


def test_app_b_knows_the_development_token_from_postgres(dev):
    pod = dev.pods("app-b")[0]
    form = urllib.parse.urlencode({"token": "mytoken"}).encode()
    assert post(pod.network.address, 5001, "/auth", form) == (200, b"density")
    assert dev.api.find("Deployment", "postgres", "jobs")["status"]["readyReplicas"] == 1


def test_services_lead_to_the_pods_behind_them(dev):
    for name, port, path, body in (("app-a", 80, "/hello", b"Hello there"), ("app-b", 80, "/healthz", b"ok\n")):
        address = dev.api.find("Service", name, "jobs")["spec"]["clusterIP"]
        with urllib.request.urlopen(f"http://{address}:{port}{path}", timeout=5) as answer:
            assert answer.read() == body


def test_services_and_pods_have_addresses_of_both_families(dev):
    service = dev.api.find("Service", "app-a", "jobs")
    assert sorted(service["spec"]["ipFamilies"]) == ["IPv4", "IPv6"]
    families = {each["addressType"] for each in dev.api.list("EndpointSlice", "jobs")
                if each["metadata"]["labels"]["kubernetes.io/service-name"] == "app-a"}
    assert families == {"IPv4", "IPv6"}


def get(address, port, path, **headers):
    try:
        with urllib.request.urlopen(urllib.request.Request(f"http://{address}:{port}{path}", headers=headers),
                                    timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_hello_says_what_its_back_end_reads_which_nobody_else_reaches(dev):
    pod = dev.pods("hello", "hello")[0]
    assert get(pod.network.address, 5002, "/") == (200, "Hello, world!")
    try:
        get(pod.network.address, 8000, "/")
    except OSError as error:
        assert "refused" in str(error)
    else:
        raise AssertionError("the back end answers from outside of its pod")


def test_visitors_counts_whom_the_gateway_names_whichever_replica_answers(dev):
    dev.scale("visitors", 2, "visitors")
    first, second = (each.network.address for each in dev.pods("visitors", "visitors"))

    def numbers(address, client):
        status, page = get(address, 5003, "/", **{"X-Forwarded-For": client})
        assert status == 200, page
        return [int(re.search(rf'id="{name}"[^>]*>([0-9,]+)<', page)[1]) for name in ("own", "visitors")]

    before = numbers(first, "198.51.100.1")[1]
    assert numbers(second, "198.51.100.1") == [2, before]
    assert numbers(second, "198.51.100.2") == [1, before + 1]
    dev.scale("visitors", 1, "visitors")


def test_an_outage_of_the_database_makes_app_b_unready_and_nothing_restarts(dev):
    dev.kubectl("scale", "deployment/postgres", "--replicas=0", "-n", "jobs")
    wait_until(lambda: not dev.ready_pods("app-b"), 60, "App B off its slices")
    # The counter's page is there and says so: it stays in service.
    visitors = dev.pods("visitors", "visitors")[0].network.address
    assert get(visitors, 5003, "/")[0] == 503 and get(visitors, 5003, "/version")[0] == 200
    assert dev.ready_pods("visitors", "visitors")
    before = [(each.name, each.containers[0].restarts) for each in dev.pods("app-b")]
    dev.kubectl("scale", "deployment/postgres", "--replicas=1", "-n", "jobs")
    # A database of one pod keeps nothing: App B brings its table and the token again when it starts.
    dev.kubectl("rollout", "status", "deployment/postgres", "-n", "jobs", "--timeout=60s", timeout=70)
    wait_until(lambda: dev.ready_pods("app-b"), 60, "App B ready again")
    assert [(each.name, each.containers[0].restarts) for each in dev.pods("app-b")] == before
    for name, namespace in (("app-b", "jobs"), ("hello", "hello"), ("visitors", "visitors")):
        dev.kubectl("rollout", "restart", f"deployment/{name}", "-n", namespace)
        dev.kubectl("rollout", "status", f"deployment/{name}", "-n", namespace, "--timeout=60s", timeout=70)
    pod = dev.pods("app-b")[-1]
    assert post(pod.network.address, 5001, "/auth", b"token=mytoken") == (200, b"density")


def test_a_rolling_restart_of_app_a_always_leaves_a_ready_pod(dev):
    old = {each.name for each in dev.pods("app-a")}
    fewest = len(dev.ready_pods("app-a"))
    dev.kubectl("rollout", "restart", "deployment/app-a", "-n", "jobs")

    def restarted():
        nonlocal fewest
        ready = set(dev.ready_pods("app-a"))
        fewest = min(fewest, len(ready))
        return ready and not ready & old and not {each.name for each in dev.kubelet.find("jobs", "app-a")} & old

    wait_until(restarted, 60, "a new pod instead of the old one")
    assert fewest >= 1


def test_processor_time_of_the_pods_is_what_the_autoscaler_reads(dev):
    dev.adapter.install(RESOURCE_METRICS)
    try:
        wait_until(lambda: dev.condition("app-b", "ScalingActive")["status"] == "True", 60, "an active autoscaler")
        status = dev.autoscaler("app-b")["status"]
        assert status["currentMetrics"][0]["resource"]["name"] == "cpu"
        top = dev.kubectl("top", "pods", "-n", "jobs", "--no-headers")
        assert any(line.split()[0].startswith("app-b-") for line in top.splitlines()), top
    finally:
        dev.adapter.uninstall(RESOURCE_METRICS)
