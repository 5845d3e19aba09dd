"""The development overlay on the control plane, and the questions that tests ask of it."""
import http.client
import json
import signal
import ssl
import subprocess

from .api import ApiError, wait_until
from .load import ask
from .network import HOST
from .plane import HERE

OVERLAY = HERE.parents[1] / "k8s/overlays/dev"
METRICS = "/apis/custom.metrics.k8s.io/v1beta2"
# What needs least first.
APPLICATIONS = {"postgres": "jobs", "app-b": "jobs", "app-a": "jobs", "hello": "hello", "visitors": "visitors"}
RATE = "gateway_requests_per_second"
TOKEN = {"Authorization": "mytoken"}
JOBS = b"Jobs:\nTitle: Devops\nDescription: Awesome\n"
FOREIGN = "external.metrics.k8s.io/v1beta1"
RESOURCE_METRICS = "metrics.k8s.io/v1beta1"


def quantity(text):
    """A Kubernetes quantity of this API: an integer, or thousandths."""
    return int(text[:-1]) / 1000 if text.endswith("m") else float(int(text))


class Cluster:
    def __init__(self, plane, kubelet, adapter):
        self.plane, self.kubelet, self.adapter = plane, kubelet, adapter
        self.api, self.kubectl = plane.api, plane.kubectl

    def install(self):
        """There is somebody else's metrics adapter before us."""
        self.adapter.install(FOREIGN)
        self.foreign = self.foreign_api_service()
        self.kubectl("apply", "-k", str(OVERLAY))
        for name, namespace in APPLICATIONS.items():
            self.kubectl("rollout", "status", f"deployment/{name}", "-n", namespace, "--timeout=90s", timeout=100)
        return self

    def foreign_api_service(self):
        name, version = FOREIGN.split("/")
        body = self.api.find("APIService", f"{version}.{name}")
        return {"uid": body["metadata"]["uid"], "spec": body["spec"]}

    def wait_for_gateway(self):
        self.kubectl("rollout", "status", "deployment/gateway", "-n", "gateway", "--timeout=60s", timeout=70)
        wait_until(lambda: ask("/hello")[0] == 200, 10, "an answer through the Ingress")
        wait_until(lambda: self.rate() is not None, 20, "an answer of the custom metrics API")
        # What the API server said before is about a server that was not there yet.
        self.quiet_from = len(self.plane.log_text("kube-apiserver"))
        return self

    # Pods.
    def pods(self, app, namespace="jobs"):
        """Those that run and are not on their way out, by name."""
        return [each for each in self.kubelet.find(namespace, app) if not each.deletion.is_set()]

    def gateways(self):
        return self.pods("gateway", "gateway")

    def ready_pods(self, app, namespace="jobs"):
        return [each["metadata"]["name"] for each in self.api.list(
            "Pod", namespace, labelSelector=f"app.kubernetes.io/name={app}")
            if any(condition["type"] == "Ready" and condition["status"] == "True"
                   for condition in each["status"].get("conditions", []))
            and "deletionTimestamp" not in each["metadata"]]

    def scale(self, app, count, namespace="jobs"):
        self.kubectl("scale", f"deployment/{app}", f"--replicas={count}", "-n", namespace)
        wait_until(lambda: len(self.ready_pods(app, namespace)) == count and len(self.pods(app, namespace)) == count,
                   60, f"{count} ready pods of {app}")

    def stop_process(self, pod):
        """The container's process stands still, as on a machine that hangs."""
        pod.containers[0].process.send_signal(signal.SIGSTOP)

    def continue_process(self, pod):
        pod.containers[0].process.send_signal(signal.SIGCONT)

    # Metrics and autoscaling.
    def metric(self, path):
        """Through the API server, as the autoscaler reads it: the items of the list."""
        return json.loads(self.kubectl("get", "--raw", METRICS + path))["items"]

    def rate(self, ingress="jobs", namespace="jobs"):
        """None while the API answers no number."""
        try:
            answer = self.api.request(
                "GET", f"{METRICS}/namespaces/{namespace}/ingresses.networking.k8s.io/{ingress}/{RATE}")
        except (ApiError, OSError):
            return None
        return quantity(answer["items"][0]["value"])

    def ask_directly(self, path, certificate="front-proxy-client", pod=None):
        """A replica, past the API server, as a pod could: status and body, or (None, "") when not even the
        handshake passes."""
        context = ssl._create_unverified_context()
        if certificate:
            context.load_cert_chain(self.plane.pki.path(certificate + ".crt"),
                                    self.plane.pki.path(certificate + ".key"))
        connection = http.client.HTTPSConnection((pod or self.gateways()[0]).network.address, 6443, timeout=10,
                                                 context=context)
        try:
            connection.request("GET", METRICS + path, headers={
                "X-Remote-User": "system:admin", "X-Remote-Group": "system:masters"})
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (ssl.SSLError, ConnectionError):
            return None, ""
        finally:
            connection.close()

    def rate_of(self, pod):
        """What one replica says of the sum of all; None while it says nothing."""
        status, body = self.ask_directly(f"/namespaces/jobs/ingresses.networking.k8s.io/jobs/{RATE}", pod=pod)
        return quantity(json.loads(body)["items"][0]["value"]) if status == 200 else None

    def replicas(self, app):
        return self.api.find("Deployment", app, "jobs")["spec"]["replicas"]

    def autoscaler(self, app):
        return self.api.find("HorizontalPodAutoscaler", app, "jobs")

    def wait_for_syncs(self, count, meanwhile=lambda: None):
        """Until the controller has looked at each autoscaler `count` times more."""
        autoscalers = len(self.api.list("HorizontalPodAutoscaler"))
        end = self.plane.autoscaler_syncs() + count * autoscalers

        def done():
            meanwhile()
            return self.plane.autoscaler_syncs() >= end

        wait_until(done, 20 + 10 * count, f"{count} syncs of the autoscalers")

    def condition(self, app, kind):
        return next((each for each in self.autoscaler(app)["status"].get("conditions", [])
                     if each["type"] == kind), {"status": "Unknown", "reason": ""})

    def executed(self, app="app-a", path="/jobs"):
        """Requests for a path that reached the app, by the logs of all its pods that ever ran."""
        return sum(container.log.read_text(errors="replace").count(f'"path":"{path}"')
                   for pod in self.kubelet.met if (pod.namespace, pod.name.startswith(app + "-")) == ("jobs", True)
                   for container in pod.containers)

    # Ingresses and Events.
    def apply(self, text, namespace="jobs"):
        self.kubectl("apply", "-n", namespace, "-f", "-", text=text)

    def events(self, kind, name, namespace="jobs"):
        return [each for each in self.api.list("Event", namespace)
                if (each["regarding"].get("kind"), each["regarding"].get("name")) == (kind, name)]

    def warning(self, name, namespace="jobs"):
        """The note of the Warning that an Ingress got, when there is one."""
        return next((each["note"] for each in self.events("Ingress", name, namespace)
                     if each["type"] == "Warning"), None)


def ab(path, count=500, width=4, method="POST"):
    """The load tool of the exercises, with the development token: its figures by name."""
    done = subprocess.run(["ab", "-q", "-m", method, "-H", "Authorization: mytoken", "-n", str(count), "-c",
                           str(width), f"https://{HOST}{path}"], capture_output=True, text=True, check=False,
                          timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    facts = dict(line.split(":", 1) for line in done.stdout.splitlines() if ":" in line)
    return {name: value.strip() for name, value in facts.items()}


INGRESS = """
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {{name: {name}, annotations: {annotations}}}
spec:
  ingressClassName: gateway
  rules:
    - host: {host}
      http:
        paths:
          - {{path: {path}, pathType: Prefix, backend: {{service: {{name: {service}, port: {{name: http}}}}}}}}
"""


def ingress(name, path, service="app-a", host=HOST, **annotations):
    keys = {f"gateway.ingress/{key.replace('_', '-')}": value for key, value in annotations.items()}
    return INGRESS.format(name=name, path=path, service=service, host=host, annotations=json.dumps(keys))
