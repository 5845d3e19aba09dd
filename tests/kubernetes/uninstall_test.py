"""What is left when the installation goes: nothing of ours, and all of others."""
import json

import pytest

from harness.api import ApiError, wait_until
from harness.cluster import OVERLAY


def absent(gateway, kind, name, namespace=None):
    try:
        gateway.api.find(kind, name, namespace)
    except ApiError as error:
        return error.code == 404
    return False


def test_an_api_service_that_somebody_else_took_is_left_alone(gateway):
    """Ours by name, not by its Service: a new replica starts, leads and writes nothing there."""
    name = "v1beta2.custom.metrics.k8s.io"
    ours = gateway.api.find("APIService", name)["spec"]
    theirs = {"service": {"name": "adapter", "namespace": "monitoring", "port": 443},
              "caBundle": gateway.plane.pki.bundle()}
    gateway.api.patch("APIService", name, {"spec": theirs})
    try:
        gateway.kubectl("rollout", "restart", "deployment/gateway", "-n", "gateway")
        gateway.kubectl("rollout", "status", "deployment/gateway", "-n", "gateway", "--timeout=120s", timeout=130)
        holder = wait_until(lambda: gateway.api.find("Lease", "gateway", "gateway")["spec"].get("holderIdentity"),
                            30, "a leader")
        assert holder
        found = gateway.api.find("APIService", name)["spec"]
        assert {key: found[key] for key in theirs} == theirs
    finally:
        gateway.api.patch("APIService", name, {"spec": {"service": ours["service"], "caBundle": None}})
    wait_until(lambda: gateway.api.find("APIService", name)["spec"].get("caBundle"), 30, "our own caBundle")


def test_after_the_installation_is_deleted_namespaces_are_deleted_at_once(gateway):
    gateway.kubectl("create", "namespace", "unrelated")
    gateway.kubectl("create", "configmap", "something", "-n", "unrelated")
    gateway.kubectl("delete", "-k", str(OVERLAY), "--timeout=150s", timeout=160)
    gateway.kubectl("delete", "namespace", "unrelated", "--wait=false")
    wait_until(lambda: absent(gateway, "Namespace", "unrelated"), 10, "the end of a namespace")
    for name in ("gateway", "jobs"):
        assert absent(gateway, "Namespace", name), name


def test_the_installation_leaves_nothing_of_ours_and_all_of_others(gateway):
    assert gateway.foreign_api_service() == gateway.foreign
    for kind in ("ClusterRole", "ClusterRoleBinding", "APIService", "IngressClass"):
        left = [each["metadata"]["name"] for each in gateway.api.list(kind)
                if "gateway" in each["metadata"]["name"] + json.dumps(each.get("spec", {}))]
        assert not left, (kind, left)
    with pytest.raises(ApiError):
        gateway.api.request("GET", "/apis/custom.metrics.k8s.io/v1beta2")
