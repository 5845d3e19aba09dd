"""The HTTP-01 challenge as cert-manager solves it: a pod, a Service and an Ingress of its own, beside whatever
the host has already."""
import zlib

import pytest
import yaml

from harness.api import wait_until
from harness.certificates import make_secret
from harness.cluster import ingress
from harness.load import ask, exchange

SITE = "site.example.com"
OPEN = "open.example.com"
TOKEN = "LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0"
KEY = TOKEN + ".9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI"
CHALLENGE = f"/.well-known/acme-challenge/{TOKEN}"
LABELS = (f'{{acme.cert-manager.io/http01-solver: "true", acme.cert-manager.io/http-domain: '
          f'"{zlib.adler32(SITE.encode())}", acme.cert-manager.io/http-token: "{zlib.adler32(TOKEN.encode())}"}}')
SOLVER = f"""
apiVersion: v1
kind: Pod
metadata:
  name: cm-acme-http-solver-k7x2p
  labels: {LABELS}
  annotations: {{sidecar.istio.io/inject: "false", cluster-autoscaler.kubernetes.io/safe-to-evict: "true"}}
spec:
  automountServiceAccountToken: false
  enableServiceLinks: false
  restartPolicy: OnFailure
  securityContext: {{runAsNonRoot: true, seccompProfile: {{type: RuntimeDefault}}}}
  containers:
    - name: acmesolver
      image: quay.io/jetstack/cert-manager-acmesolver:v1.19.1
      imagePullPolicy: IfNotPresent
      args: [--listen-port=8089, --domain={SITE}, --token={TOKEN}, --key={KEY}]
      ports: [{{name: http, containerPort: 8089}}]
      resources: {{requests: {{cpu: 10m, memory: 64Mi}}, limits: {{cpu: 100m, memory: 64Mi}}}}
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities: {{drop: [ALL]}}
---
apiVersion: v1
kind: Service
metadata:
  name: cm-acme-http-solver-9wq4d
  labels: {LABELS}
  annotations: {{auth.istio.io/8089: NONE}}
spec:
  type: NodePort
  selector: {LABELS}
  ports: [{{name: http, port: 8089, targetPort: 8089, protocol: TCP}}]
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: cm-acme-http-solver-5bzzn
  labels: {LABELS}
  annotations: {{nginx.ingress.kubernetes.io/whitelist-source-range: "0.0.0.0/0,::/0"}}
spec:
  ingressClassName: gateway
  rules:
    - host: {SITE}
      http:
        paths:
          - path: {CHALLENGE}
            pathType: ImplementationSpecific
            backend: {{service: {{name: cm-acme-http-solver-9wq4d, port: {{number: 8089}}}}}}
"""
LOGINS = {"name": "logins", "private": True, "endpoints": ["app-b.jobs.svc.cluster.local:80"]}


@pytest.fixture(scope="module", autouse=True)
def site(gateway, apply_for_all, tmp_path_factory):
    """A host that redirects to HTTPS and asks for a token, and its challenge."""
    text, _ = make_secret(tmp_path_factory.mktemp("site"), "site-tls", SITE)
    apply_for_all(text)
    apply_for_all(ingress("site", "/", host=SITE, token_auth_upstream="app-b:http")
                  + f"  tls: [{{hosts: [{SITE}], secretName: site-tls}}]\n")
    wait_until(lambda: ask("/hello", host=SITE)[0] == 401, 10, "the site")
    apply_for_all(SOLVER)


@pytest.fixture
def login_of_every_route(gateway):
    """Asked for in the gateway's own configuration."""
    volumes = gateway.api.find("Deployment", "gateway", "gateway")["spec"]["template"]["spec"]["volumes"]
    name = next(each["configMap"]["name"] for each in volumes if each["name"] == "config")
    before = gateway.api.find("ConfigMap", name, "gateway")["data"]["gateway.yaml"]
    wanted = yaml.safe_load(before)
    wanted["upstreams"] = [LOGINS]
    wanted["filters"].insert(0, {"type": "token", "upstream": LOGINS["name"]})
    gateway.api.patch("ConfigMap", name, {"data": {"gateway.yaml": yaml.safe_dump(wanted)}}, "gateway")
    yield
    gateway.api.patch("ConfigMap", name, {"data": {"gateway.yaml": before}}, "gateway")
    wait_until(lambda: everywhere(gateway, "/hello", 200), 20, "the configuration of before")


def everywhere(gateway, path, status, **options):
    return all(ask(path, address=each.network.address, port=8443, **options)[0] == status
               for each in gateway.gateways())


def challenge(path=CHALLENGE):
    return exchange(path, port=80, host=SITE)


def solved():
    answer = challenge()
    return answer.status == 200 and answer.body == KEY.encode()


def check_all_but_the_challenge():
    for path in ("/hello", CHALLENGE + "x", "/.well-known/acme-challenge"):
        answer = challenge(path)
        assert (answer.status, answer.headers["Location"]) == (308, f"https://{SITE}{path}")
        assert ask(path, host=SITE)[0] == 401


def test_a_challenge_is_answered_over_plain_http_where_all_else_redirects_and_asks_for_a_token(gateway):
    wait_until(solved, 20, "the challenge's answer")
    check_all_but_the_challenge()
    assert not gateway.events("Ingress", "cm-acme-http-solver-5bzzn")


def test_a_challenge_is_answered_where_every_route_asks_for_a_token(gateway, apply, login_of_every_route):
    apply(ingress("open", "/hello", host=OPEN, enable_global_auth="false"))
    wait_until(lambda: everywhere(gateway, "/hello", 200, host=OPEN), 10, "who is exempt")
    wait_until(lambda: everywhere(gateway, "/hello", 401), 20, "a login everywhere")
    assert solved()
    assert ask(CHALLENGE, host=SITE) == (200, KEY.encode())
    check_all_but_the_challenge()
    assert ask("/hello", headers={"Authorization": "mytoken"}) == (200, b"Hello there")
