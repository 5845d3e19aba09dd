"""Each annotation that is supported, by a request that shows what it does. Each case has a host of its own; all
Ingresses are applied at once."""
import json
import threading

import pytest

from harness.api import wait_until
from harness.certificates import make_secret
from harness.load import Answer, NamedConnection, exchange

DOMAIN = "notes.example.com"
INGRESSES = []
OURS = ("hsts", "token_auth", "limit_by", "limit_burst", "health", "slow", "allowlist")
NOBODY = "192.0.2.0/24"
GOOD = {"Authorization": "anything"}
HTTPS, HTTP = 8443, 8080
SERVERS = """
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}}}
spec:
  replicas: {replicas}
  selector: {{matchLabels: {{app.kubernetes.io/name: {name}}}}}
  template:
    metadata: {{labels: {{app.kubernetes.io/name: {name}}}}}
    spec:
      terminationGracePeriodSeconds: 0
      securityContext: {{runAsNonRoot: true, seccompProfile: {{type: RuntimeDefault}}}}
      containers:
        - name: plain
          image: echo:1
          ports: [{{name: http, containerPort: 8080}}]
          readinessProbe: &ready {{tcpSocket: {{port: 8080}}, periodSeconds: 1}}
          securityContext: &security {{allowPrivilegeEscalation: false, capabilities: {{drop: [ALL]}}}}
        - name: tls
          image: echo:1
          args: [--port=8443, --certificate=/certificate]
          ports: [{{name: https, containerPort: 8443}}]
          readinessProbe: {{tcpSocket: {{port: 8443}}, periodSeconds: 1}}
          securityContext: *security
          volumeMounts: [{{name: certificate, mountPath: /certificate}}]
      volumes: [{{name: certificate, secret: {{secretName: notes-tls}}}}]
---
apiVersion: v1
kind: Service
metadata: {{name: {name}}}
spec:
  selector: {{app.kubernetes.io/name: {name}}}
  ports: [{{name: http, port: 80, targetPort: http}}, {{name: https, port: 443, targetPort: https}}]
---
"""
MORE = """
apiVersion: v1
kind: ConfigMap
metadata: {name: team}
data: {X-Team: blue}
---
apiVersion: v1
kind: Service
metadata: {name: nobody}
spec: {ports: [{name: http, port: 80}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: nobody-0, labels: {kubernetes.io/service-name: nobody}}
addressType: IPv4
ports: [{name: http, port: 8080}]
endpoints: [{addresses: ["10.244.255.254"], conditions: {ready: true}}]
"""


class Site:
    """The host of a case, as one replica serves it."""

    def __init__(self, gateway, host):
        self.gateway, self.host = gateway, host
        self.address = gateway.gateways()[0].network.address

    def get(self, path="/", port=HTTPS, host=None, **options):
        return exchange(path, address=self.address, port=port, host=host or self.host, **options)

    def status(self, path="/", **options):
        return self.get(path, **options).status

    def echo(self, path="/", **options):
        """What the endpoint saw."""
        answer = self.get(path, **options)
        assert answer.status == 200, answer.body
        return json.loads(answer.body)

    def location(self, path="/", port=HTTP, **options):
        answer = self.get(path, port, **options)
        return answer.status, answer.headers["Location"]

    def several(self, count, path="/", headers=None):
        """One after the other on one connection, so by one worker."""
        connection = NamedConnection(self.address, HTTPS, self.host, 10)
        answers = []
        try:
            for _ in range(count):
                connection.request("GET", path, headers={"Host": self.host, **(headers or {})})
                answers.append(Answer(connection.getresponse()))
        finally:
            connection.close()
        return answers

    def seen(self, text, app="echo"):
        """How often the endpoints of an app were asked for something."""
        return sum(container.log.read_text().count(text)
                   for pod in self.gateway.pods(app) for container in pod.containers)


class Ingress:
    """`check`: what its test does; null where it is only there for the test of another."""

    def __init__(self, name, host, check, annotations, path="/", service="echo", port="http", tls=False):
        self.name, self.host, self.check, self.annotations = name, f"{host}.{DOMAIN}", check, annotations
        self.path, self.service, self.port, self.tls = path, service, port, tls

    def manifest(self):
        path_type = "ImplementationSpecific" if set("([") & set(self.path) else "Prefix"
        keys = {key: f"{'gateway.ingress' if key.startswith(OURS) else 'nginx.ingress.kubernetes.io'}/"
                     f"{key.replace('_', '-')}" for key in self.annotations}
        body = {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
                "metadata": {"name": self.name,
                             "annotations": {keys[key]: value for key, value in self.annotations.items()}},
                "spec": {"ingressClassName": "gateway", "rules": [{"host": self.host, "http": {"paths": [
                    {"path": self.path, "pathType": path_type,
                     "backend": {"service": {"name": self.service, "port": {"name": self.port}}}}]}}]}}
        if self.tls:
            body["spec"]["tls"] = [{"hosts": [self.host], "secretName": "notes-tls"}]
        return json.dumps(body)


def case(path="/", service="echo", port="http", tls=False, **annotations):
    """The test of an Ingress that has these, by the annotation's name."""
    def add(check):
        name = check.__name__.replace("_", "-")
        INGRESSES.append(Ingress(name, name, check, annotations, path, service, port, tls))
        return check
    return add


def canary_of(host, **annotations):
    INGRESSES.append(Ingress(f"{host}-too", host, None, {"canary": "true", **annotations}, service="app-a"))


# Paths and hosts.
@case(path="/api(/|$)(.*)", rewrite_target="/$2")
def rewrite_target(site):
    assert site.echo("/api/one?two")["path"] == "/one?two"
    assert site.status("/other") == 404


@case(path="/v[0-9]+", use_regex="true")
def use_regex(site):
    assert (site.status("/v12"), site.status("/vx")) == (200, 404)


@case(app_root="/start")
def app_root(site):
    assert site.get("/").status == 302
    assert site.get("/").headers["Location"].endswith("/start")
    assert site.status("/start") == 200


@case(server_alias=f"alias.{DOMAIN}")
def server_alias(site):
    assert site.echo(host=f"alias.{DOMAIN}")["headers"]["host"] == f"alias.{DOMAIN}"


@case(upstream_vhost="inner.example")
def upstream_vhost(site):
    assert site.echo()["headers"]["host"] == "inner.example"


@case(x_forwarded_prefix="/shop")
def x_forwarded_prefix(site):
    assert site.echo()["headers"]["x-forwarded-prefix"] == "/shop"


@case(custom_headers="team")
def custom_headers(site):
    assert site.get().headers["X-Team"] == "blue"


@case(tls=True)
def hsts_as_it_is(site):
    assert site.get().headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"


@case(tls=True, hsts="false")
def hsts(site):
    assert site.get().headers["Strict-Transport-Security"] is None


@case(tls=True, hsts_max_age="60", hsts_include_subdomains="false", hsts_preload="true")
def hsts_max_age(site):
    assert site.get().headers["Strict-Transport-Security"] == "max-age=60; preload"


# Redirects.
@case(tls=True)
def ssl_redirect_as_it_is(site):
    assert site.location("/a?b") == (308, f"https://{site.host}/a?b")


@case(tls=True, ssl_redirect="false")
def ssl_redirect(site):
    assert site.status(port=HTTP) == 200


@case(force_ssl_redirect="true")
def force_ssl_redirect(site):
    assert site.location("/a") == (308, f"https://{site.host}/a")


@case(permanent_redirect="https://new.example/there")
def permanent_redirect(site):
    assert site.location("/a") == (301, "https://new.example/there")


@case(permanent_redirect="https://new.example/there", permanent_redirect_code="308")
def permanent_redirect_code(site):
    assert site.location("/a")[0] == 308


@case(temporal_redirect="https://new.example/there")
def temporal_redirect(site):
    assert site.location("/a") == (302, "https://new.example/there")


@case(temporal_redirect="https://new.example/there", temporal_redirect_code="307")
def temporal_redirect_code(site):
    assert site.location("/a")[0] == 307


@case(from_to_www_redirect="true")
def from_to_www_redirect(site):
    status, to = site.location("/a", host=f"www.{site.host}")
    assert (status, to.split("://")[1]) == (308, f"{site.host}/a")


# Canaries: the app answers /hello with its own text, everybody else echoes.
def is_canary(site, **headers):
    return site.get("/hello", headers={name.replace("_", "-"): value for name, value in headers.items()}
                    ).body == b"Hello there"


@case()
def canary_by_header(site):
    assert [is_canary(site), is_canary(site, x_new="always"), is_canary(site, x_new="never")] == [False, True, False]


canary_of("canary-by-header", canary_by_header="X-New")


@case()
def canary_by_header_value(site):
    assert [is_canary(site, x_new="blue"), is_canary(site, x_new="always")] == [True, False]


canary_of("canary-by-header-value", canary_by_header="X-New", canary_by_header_value="blue")


@case()
def canary_by_header_pattern(site):
    assert [is_canary(site, x_new="v12"), is_canary(site, x_new="w")] == [True, False]


canary_of("canary-by-header-pattern", canary_by_header="X-New", canary_by_header_pattern="v[0-9]+")


@case()
def canary_by_cookie(site):
    assert [is_canary(site), is_canary(site, cookie="a=b; new=always"), is_canary(site, cookie="new=never")] == [
        False, True, False]


canary_of("canary-by-cookie", canary_by_cookie="new")


@case()
def canary_weight(site):
    assert {answer.body == b"Hello there" for answer in site.several(30, "/hello")} == {True, False}


canary_of("canary-weight", canary_weight="50")


@case()
def canary_weight_total(site):
    assert {answer.body for answer in site.several(20, "/hello")} == {b"Hello there"}


canary_of("canary-weight-total", canary_weight="7", canary_weight_total="7")


# Who may ask.
@case(whitelist_source_range=NOBODY)
def whitelist_source_range(site):
    assert site.status() == 403


@case(allowlist_source_range=f"{NOBODY}, 10.244.0.0/16")
def allowlist_source_range(site):
    assert site.status() == 200


@case(denylist_source_range="10.244.0.0/16", whitelist_source_range="0.0.0.0/0")
def denylist_source_range(site):
    assert site.status() == 403


@case(token_auth_upstream="judge:http", token_auth_path="/user/once")
def token_auth_path(site):
    assert site.status() == 401
    assert [each.status for each in site.several(3, headers=GOOD)] == [200, 200, 200]
    assert site.seen("POST /user/once ", "judge") == 1


@case(token_auth_upstream="judge:http", token_auth_path="/user/always", token_auth_allow_ttl="0s")
def token_auth_allow_ttl(site):
    assert [each.status for each in site.several(3, headers=GOOD)] == [200, 200, 200]
    assert site.seen("POST /user/always ", "judge") == 3


@case(token_auth_upstream="judge:http", token_auth_path="/status/401/always", token_auth_deny_ttl="0s")
def token_auth_deny_ttl(site):
    assert [each.status for each in site.several(3, headers=GOOD)] == [401, 401, 401]
    assert site.seen("POST /status/401/always ", "judge") == 3


@case(token_auth_upstream="judge:http", token_auth_path="/wait/5", token_auth_timeout="200ms")
def token_auth_timeout(site):
    assert site.status(headers=GOOD, timeout=4) == 503


@case(token_auth_upstream="judge:http", token_auth_realm="the shop")
def token_auth_realm(site):
    assert 'realm="the shop"' in site.get().headers["WWW-Authenticate"]


# Limits.
@case(limit_rps="1", limit_burst_multiplier="2")
def limit_rps(site):
    answers = site.several(6)
    assert [each.status for each in answers[:2]] == [200, 200]
    assert answers[-1].status == 429 and answers[-1].headers["Retry-After"]


@case(limit_rpm="1")
def limit_rpm(site):
    assert [each.status for each in site.several(6)] == [200] * 5 + [429]


@case(limit_rpm="1", limit_burst="3")
def limit_burst(site):
    assert [each.status for each in site.several(4)] == [200] * 3 + [429]


@case(limit_rpm="1", limit_burst="1", limit_by="token", token_auth_upstream="judge:http",
      token_auth_path="/user/somebody")
def limit_by(site):
    assert [each.status for each in site.several(2, headers=GOOD)] == [200, 429]
    assert site.status(headers={"Authorization": "another"}) == 200


@case(limit_connections="1")
def limit_connections(site):
    statuses = []
    threads = [threading.Thread(target=lambda: statuses.append(site.status("/wait/1"))) for _ in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(statuses) == [200, 429]
    assert site.status() == 200


@case(proxy_body_size="8")
def proxy_body_size(site):
    assert site.echo(method="POST", body=b"x" * 8)["size"] == 8
    assert site.status(method="POST", body=b"x" * 9) == 413


# Proxying.
@case(service="nobody", proxy_connect_timeout="100ms")
def proxy_connect_timeout(site):
    assert site.status(timeout=2) in (503, 504)  # sooner than the network gives the address up


@case(proxy_read_timeout="1")
def proxy_read_timeout(site):
    assert site.status("/wait/5", timeout=4) == 504


@case()
def proxy_next_upstream_as_it_is(site):
    assert site.status("/status/503/once") == 503
    assert site.seen("GET /status/503/once ") == 1


@case(proxy_next_upstream="error timeout http_503")
def proxy_next_upstream(site):
    assert site.status("/status/503/again") == 503
    assert site.seen("GET /status/503/again ") > 1


@case(proxy_next_upstream="error http_503", proxy_next_upstream_tries="1")
def proxy_next_upstream_tries(site):
    assert site.status("/status/503/tries") == 503
    assert site.seen("GET /status/503/tries ") == 1


# Upstreams.
@case(load_balance="round_robin")
def load_balance(site):
    pods = [json.loads(each.body)["pod"] for each in site.several(6)]
    assert pods[0] != pods[1] and pods == pods[:2] * 3


@case(upstream_hash_by="$http_x_user")
def upstream_hash_by(site):
    for user in ("one", "two", "three"):
        assert len({site.echo(headers={"X-User": user})["pod"] for _ in range(8)}) == 1


@case(port="https", backend_protocol="HTTPS", proxy_ssl_verify="off")
def backend_protocol(site):
    assert site.echo("/a")["path"] == "/a"


@case(port="https", backend_protocol="HTTPS")
def proxy_ssl_verify(site):
    assert site.status() in (502, 503)  # who signed its certificate is not known


@case(health_check_path="/status/500/sick", health_check_interval="50ms", health_check_unhealthy_after="1")
def health_check_path(site):
    wait_until(lambda: site.status() == 503, 5, "endpoints that are ill")


@case(health_check_path="/health", health_check_host="health.example", health_check_interval="50ms")
def health_check_host(site):
    wait_until(lambda: site.seen("GET /health health.example") > 3, 5, "questions")
    assert site.status() == 200


@pytest.fixture(scope="module", autouse=True)
def sites(gateway, apply_for_all, tmp_path_factory):
    text, _ = make_secret(tmp_path_factory.mktemp("notes"), "notes-tls", f"*.{DOMAIN}")
    servers = SERVERS.format(name="echo", replicas=2) + SERVERS.format(name="judge", replicas=1)
    ingresses = [each.manifest() for each in INGRESSES]
    apply_for_all("\n---\n".join([text, servers, MORE, *ingresses]))
    for name in ("echo", "judge"):
        gateway.kubectl("rollout", "status", f"deployment/{name}", "-n", "jobs", "--timeout=60s", timeout=70)
    wait_until(lambda: Site(gateway, f"upstream-vhost.{DOMAIN}").status() == 200, 10, "the sites")


@pytest.mark.parametrize("wanted", [each for each in INGRESSES if each.check], ids=lambda each: each.name)
def test_an_annotation_does_what_it_says(gateway, wanted):
    wanted.check(Site(gateway, wanted.host))


def test_none_of_them_gets_a_warning(gateway):
    warnings = {each["regarding"]["name"]: each["note"] for each in gateway.api.list("Event", "jobs")
                if each["type"] == "Warning" and each["regarding"].get("kind") == "Ingress"}
    assert not {each.name: warnings[each.name] for each in INGRESSES if each.name in warnings}
