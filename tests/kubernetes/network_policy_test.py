"""Default deny, and exactly the flows that the service needs: every pair of ends, on every port, is judged
by the policies of the overlays as they are rendered."""
import pytest
import yaml

from harness.plane import HERE, render
from harness.policies import Policies, outside, pod

# Who is not ours to isolate: what these do among themselves says nothing.
OUTSIDE = ("internet", "API server", "database", "DNS", "monitoring", "elsewhere", "impostor")
PORTS = (53, 80, 443, 4444, 5000, 5001, 5002, 5003, 5432, 6443, 8000, 8080, 8443, 9902, 9903)
APPLICATIONS = {"app-a": 5000, "app-b": 5001, "hello": 5002, "visitors": 5003}
WITH_DATABASE = ("app-b", "hello", "visitors")


def wanted_flows(overlay):
    """Who may speak to whom, and on which ports. Nothing else may."""
    flows = {
        # 6443 is for the API server, which no label selects: it wants the front proxy's certificate.
        **{(each, "gateway"): {8080, 8443, 6443} for each in OUTSIDE},
        **{("gateway", each): {443, 6443} for each in OUTSIDE},
        ("monitoring", "gateway"): {8080, 8443, 6443, 9902},
        ("gateway", "gateway"): {9903, 6443},
        ("gateway", "DNS"): {53, 443, 6443},
        **{("gateway", name): {port} for name, port in APPLICATIONS.items()},
        **{("monitoring", name): {9902} for name in APPLICATIONS},
        **{(name, "DNS"): {53} for name in WITH_DATABASE},
    }
    for name in WITH_DATABASE:
        if overlay == "dev":
            flows[name, "postgres"] = {5432}
        else:
            for each in OUTSIDE:
                flows[name, each] = flows.get((name, each), set()) | {5432}
    return flows


def ends(policies, overlay):
    found = {
        "internet": outside("198.51.100.7"), "API server": outside("192.0.2.10"), "database": outside("192.0.2.20"),
        "DNS": pod("kube-system", "kube-dns"), "monitoring": pod("monitoring", "prometheus"),
        "elsewhere": pod("elsewhere", "anything"), "impostor": pod("elsewhere", "gateway"),
        "stray of jobs": pod("jobs", "anything"), "stray of gateway": pod("gateway", "anything"),
        "stray of visitors": pod("visitors", "anything"), "jobs' visitors": pod("jobs", "visitors"),
        **{each: policies.pod_of(each) for each in ("gateway", *APPLICATIONS)}}
    if overlay == "dev":
        found["postgres"] = policies.pod_of("postgres")
    return found


@pytest.fixture(params=["dev", "acc", "prod"])
def overlay(request):
    return request.param


def test_exactly_the_flows_of_the_service_pass(overlay):
    policies = Policies(list(yaml.safe_load_all(render(HERE.parents[1] / "k8s/overlays" / overlay))))
    known = ends(policies, overlay)
    flows = wanted_flows(overlay)
    wrong = []
    for source in known:
        for target in known:
            if source in OUTSIDE and target in OUTSIDE:
                continue
            wanted = flows.get((source, target), set())
            found = {port for port in PORTS if policies.allowed(known[source], known[target], port)}
            if found != wanted:
                wrong.append((source, target, sorted(found), sorted(wanted)))
    assert not wrong, "\n".join(map(str, wrong))
    for source in ("gateway", *WITH_DATABASE):
        assert policies.allowed(known[source], known["DNS"], 53, "UDP"), source
    assert not policies.allowed(known["app-a"], known["DNS"], 53, "UDP")

