"""What the controller makes of Ingresses: bad ones are refused alone, and nothing gets around a private upstream."""
import subprocess

import pytest

from harness.api import wait_until
from harness.certificates import make_secret
from harness.cluster import JOBS, TOKEN, ingress
from harness.images import BIN
from harness.load import ask, certificate

OTHER = "other.example.com"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def served(host=OTHER, path="/hello", status=200, **options):
    wait_until(lambda: ask(path, host=host, **options)[0] == status, 10, f"{status} of {host}{path}")


def test_a_new_ingress_is_served_and_a_deleted_one_is_not(gateway, apply):
    text = ingress("added", "/hello", host=OTHER)
    apply(text)
    served()
    gateway.kubectl("delete", "-n", "jobs", "-f", "-", text=text)
    served(status=404)


def test_a_refused_ingress_gets_an_event_and_its_neighbours_are_served(gateway, apply):
    apply(ingress("neighbour", "/jobs", host=OTHER))
    served(path="/jobs", method="POST")
    apply(ingress("refused", "/hello", host=OTHER, auth_typo="on"))
    note = wait_until(lambda: gateway.warning("refused"), 10, "a Warning")
    assert "auth-typo" in note
    # It has no version that was ever good: its path is known, and closed.
    served(status=503)
    assert ask("/jobs", "POST", host=OTHER) == (200, JOBS)
    assert ask("/jobs", "POST", TOKEN) == (200, JOBS)
    assert ask("/hello") == (200, b"Hello there")


def test_an_ingress_that_becomes_bad_goes_on_as_it_was(gateway, apply):
    apply(ingress("changed", "/hello", host=OTHER))
    served()
    apply(ingress("changed", "/hello", host=OTHER, limit_typo="1"))
    wait_until(lambda: gateway.warning("changed"), 10, "a Warning")
    assert ask("/hello", host=OTHER) == (200, b"Hello there")


def test_a_class_of_somebody_else_is_left_alone(gateway, apply):
    text = ingress("foreign", "/hello", host=OTHER)
    apply(text.replace("ingressClassName: gateway", "ingressClassName: somebody-elses"))
    apply(ingress("ours", "/jobs", host=OTHER))
    served(path="/jobs", method="POST")
    assert ask("/hello", host=OTHER)[0] == 404
    assert not gateway.events("Ingress", "foreign")
    assert not gateway.api.find("Ingress", "foreign", "jobs")["status"].get("loadBalancer")


def test_the_report_of_a_cluster_names_what_would_change(gateway, apply):
    apply(ingress("moving", "/hello", host=OTHER, limit_rps="5").replace("gateway.ingress/",
                                                                        "nginx.ingress.kubernetes.io/"))
    done = subprocess.run([BIN / "gateway", "ingress-report", "--kubeconfig", gateway.plane.work / "admin.kubeconfig"],
                          capture_output=True, text=True, timeout=60, check=True)
    assert "Ingress jobs/moving\n  differs    limit-rps: 429" in done.stdout, done.stdout + done.stderr
    assert "Ingresses would change" in done.stdout


def other_service(gateway):
    return """
apiVersion: v1
kind: Service
metadata: {name: around}
spec:
  selector: {app.kubernetes.io/name: app-b}
  ports: [{name: http, port: 80, targetPort: 5001}]
"""


def slice_by_hand(gateway):
    address = gateway.pods("app-b")[0].network.address
    return f"""
apiVersion: v1
kind: Service
metadata: {{name: around}}
spec: {{ports: [{{name: http, port: 80}}]}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {{name: around-0, labels: {{kubernetes.io/service-name: around}}}}
addressType: IPv4
ports: [{{name: http, port: 5001}}]
endpoints: [{{addresses: ["{address}"], conditions: {{ready: true}}}}]
"""


def external_name(gateway):
    return """
apiVersion: v1
kind: Service
metadata: {name: around}
spec:
  type: ExternalName
  externalName: app-b.jobs.svc.cluster.local
  ports: [{name: http, port: 80}]
"""


@pytest.mark.parametrize("way", [None, other_service, slice_by_hand, external_name],
                         ids=lambda way: way.__name__ if way else "the_service_itself")
def test_a_private_upstream_has_no_way_around(gateway, apply, way):
    if way is not None:
        apply(way(gateway))
    apply(ingress("around", "/auth", service="around" if way else "app-b", host=OTHER))
    apply(ingress("ours", "/hello", host=OTHER))
    served()
    wait_until(lambda: gateway.warning("around"), 10, "a Warning")
    status, body = ask("/auth", "POST", FORM, host=OTHER, body=b"token=mytoken")
    assert status in (404, 503) and b"density" not in body
    # And the filter goes on asking it.
    assert ask("/jobs", "POST", TOKEN) == (200, JOBS)
    assert ask("/jobs", "POST", {"Authorization": "never seen before"})[0] == 401


def test_a_certificate_of_a_secret_is_shown_by_every_replica_and_followed(gateway, apply, tmp_path):
    text, first = make_secret(tmp_path, "other-tls", OTHER)
    apply(text)
    apply(ingress("secured", "/hello", host=OTHER) + f"  tls: [{{hosts: [{OTHER}], secretName: other-tls}}]\n")
    addresses = [each.network.address for each in gateway.gateways()]
    wait_until(lambda: all(certificate(each, 8443, OTHER) == first for each in addresses), 10, "its certificate")
    text, second = make_secret(tmp_path, "other-tls", OTHER)
    apply(text)
    wait_until(lambda: all(certificate(each, 8443, OTHER) == second for each in addresses), 10, "the renewed one")
