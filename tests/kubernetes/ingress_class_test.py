"""What the parameters of an IngressClass change about the Ingresses that have it."""
from harness.api import wait_until
from harness.cluster import ingress
from harness.load import exchange
from harness.sites import DOMAIN, HTTPS

MOVED, OURS = f"moved.{DOMAIN}", f"ours.{DOMAIN}"
CLASS = """
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {name: moved}
spec:
  controller: gateway.ingress/controller
  parameters: {kind: ConfigMap, scope: Namespace, namespace: jobs, name: class-moved}
"""
PARAMETERS = """
apiVersion: v1
kind: ConfigMap
metadata: {name: class-moved}
data: {compat: %s}
"""


def test_compat_makes_patterns_of_all_paths_of_a_host_once_one_is(gateway, apply):
    """With segments /hell is no part of /hello; as a pattern it is its beginning."""
    def served(host, path, status):
        """By every replica, in the end."""
        def all_of_them():
            return {exchange(path, address=each.network.address, port=HTTPS, host=host).status
                    for each in gateway.gateways()} == {status}

        wait_until(all_of_them, 10, f"{status} of {host}{path}")

    apply(CLASS)
    for host, of in ((MOVED, "moved"), (OURS, "gateway")):
        for name, path, annotations in (("pattern", "/health.", {"use_regex": "true"}), ("plain", "/hell", {})):
            apply(ingress(f"{of}-{name}", path, host=host, **annotations).replace("Name: gateway", f"Name: {of}"))
        served(host, "/healthz", 200)
    served(MOVED, "/hello", 404)  # there are no parameters yet
    apply(PARAMETERS % "ingress-nginx")
    served(MOVED, "/hello", 200)
    served(MOVED, "/healthz", 200)
    served(OURS, "/hello", 404)
    apply(PARAMETERS % "none")
    served(MOVED, "/hello", 404)
    apply(PARAMETERS % "ingress-nginx")
    served(MOVED, "/hello", 200)
    gateway.kubectl("delete", "configmap", "class-moved", "-n", "jobs")
    served(MOVED, "/hello", 404)
    assert not [each for host in ("moved", "gateway") for each in ("pattern", "plain") if gateway.warning(f"{host}-{each}")]
