"""Default deny, and exactly the flows that the service needs: judged from the overlays as they are rendered."""
import pytest
import yaml

from harness.plane import HERE, render
from harness.policies import Policies, outside, pod

OVERLAYS = ("dev", "acc", "prod")
INTERNET = outside("198.51.100.7")
API_SERVER = outside("192.0.2.10")
DNS = pod("kube-system", "kube-dns")
PROMETHEUS = pod("monitoring", "prometheus")


@pytest.fixture(params=OVERLAYS)
def policies(request):
    return Policies(list(yaml.safe_load_all(render(HERE.parents[1] / "k8s/overlays" / request.param))))


@pytest.fixture
def dev_policies():
    return Policies(list(yaml.safe_load_all(render(HERE.parents[1] / "k8s/overlays/dev"))))


def test_every_pod_is_isolated_in_both_directions(policies):
    for namespace in ("gateway", "jobs"):
        for direction in ("Ingress", "Egress"):
            assert policies.isolated(pod(namespace, "anything"), direction), (namespace, direction)


def test_the_flows_of_the_service_pass(policies):
    gateway, app_a, app_b = (policies.pod_of(each) for each in ("gateway", "app-a", "app-b"))
    for source, target, port in (
            (INTERNET, gateway, 8443), (INTERNET, gateway, 8080),
            (API_SERVER, gateway, 6443),  # the custom metrics API
            (gateway, gateway, 9903),  # peers
            (gateway, API_SERVER, 443), (gateway, API_SERVER, 6443),
            (gateway, app_a, 5000), (gateway, app_b, 5001),
            (PROMETHEUS, gateway, 9902), (PROMETHEUS, app_a, 9902), (PROMETHEUS, app_b, 9902)):
        assert policies.allowed(source, target, port), (source, target, port)
    for source in (gateway, app_b):
        assert policies.allowed(source, DNS, 53, "UDP") and policies.allowed(source, DNS, 53), source


def test_apps_are_reached_from_the_gateway_alone(policies):
    for name, port in (("app-a", 5000), ("app-b", 5001)):
        app = policies.pod_of(name)
        for source in (INTERNET, PROMETHEUS, pod("jobs", "stray"), pod("gateway", "stray"),
                       pod("elsewhere", "gateway"), policies.pod_of("app-a"), policies.pod_of("app-b")):
            assert not policies.allowed(source, app, port), (source, name)


def test_ports_of_the_gateway_that_are_not_for_the_public(policies):
    gateway = policies.pod_of("gateway")
    for source in (INTERNET, pod("jobs", "stray"), policies.pod_of("app-a"), pod("elsewhere", "gateway")):
        assert not policies.allowed(source, gateway, 9902), source
        assert not policies.allowed(source, gateway, 9903), source
    assert not policies.allowed(PROMETHEUS, gateway, 9903)


def test_app_a_calls_nobody(policies):
    app_a = policies.pod_of("app-a")
    for target in (INTERNET, API_SERVER, DNS, policies.pod_of("app-b"), policies.pod_of("gateway")):
        for port in (53, 80, 443, 5001, 5432, 8443):
            assert not policies.allowed(app_a, target, port), (target, port)


def test_app_b_calls_its_database_and_dns(policies):
    app_b = policies.pod_of("app-b")
    assert policies.allowed(app_b, outside("192.0.2.20"), 5432) or policies.allowed(
        app_b, policies.pod_of("postgres"), 5432)
    for target in (INTERNET, API_SERVER, policies.pod_of("app-a")):
        assert not policies.allowed(app_b, target, 443), target


def test_the_database_is_reached_from_app_b_alone(dev_policies):
    database = dev_policies.pod_of("postgres")
    assert dev_policies.allowed(dev_policies.pod_of("app-b"), database, 5432)
    for source in (INTERNET, PROMETHEUS, pod("jobs", "stray"), dev_policies.pod_of("app-a"),
                   dev_policies.pod_of("gateway")):
        assert not dev_policies.allowed(source, database, 5432), source
    assert not dev_policies.allowed(database, INTERNET, 443)
