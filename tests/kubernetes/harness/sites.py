"""Ingresses with annotations, each with a host of its own and a test, and the servers behind them."""
import base64
import json

from .load import Answer, NamedConnection, exchange

DOMAIN = "notes.example.com"
INGRESSES = []
OURS = ("hsts", "token_auth", "limit_by", "limit_burst", "health", "slow", "allowlist")
ORIGIN = {"Origin": "https://pages.example"}
NOBODY = "192.0.2.0/24"
GOOD = {"Authorization": "anything"}
CLERK = "http://clerk.jobs.svc.cluster.local"  # another than the judge of tokens, whom nobody else may ask
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
kind: Secret
metadata: {name: users}
stringData: {auth: "ann:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g="}  # password
---
apiVersion: v1
kind: Secret
metadata: {name: users-that-change}
stringData: {auth: "ann:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g="}
---
apiVersion: v1
kind: Service
metadata: {name: empty}
spec: {ports: [{name: http, port: 80}], selector: {app.kubernetes.io/name: nobody-at-all}}
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
    """The host of a case, as one replica serves it. `shown`: certificates of clients, by name."""

    def __init__(self, gateway, host, shown=None):
        self.gateway, self.host, self.shown = gateway, host, shown
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

    def preflight(self, **headers):
        return self.get(method="OPTIONS", headers={**ORIGIN, "Access-Control-Request-Method": "PUT", **headers})

    def as_user(self, name, password="password"):
        text = base64.b64encode(f"{name}:{password}".encode()).decode()
        return {"Authorization": f"Basic {text}"}

    def showing(self, client, **options):
        """What a client gets that shows its certificate; the connection may end without an answer."""
        return self.get(certificate=self.shown[client], **options)

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
