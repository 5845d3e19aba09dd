"""Aggregated APIs that are not the gateway's: metrics.k8s.io, told from the processor time that the pods'
processes really use, and somebody else's external.metrics.k8s.io."""
import collections
import datetime
import http.server
import json
import ssl
import threading
import time
import urllib.parse

from .network import ADAPTER_ADDRESS

PORT = 4443
WINDOW = 5.0
NAMESPACE = "monitoring"
SERVICE = "adapter"
RESOURCES = {
    "metrics.k8s.io/v1beta1": [("pods", "PodMetrics"), ("nodes", "NodeMetrics")],
    "external.metrics.k8s.io/v1beta1": [("queue_length", "ExternalMetricValueList")],
}


class Adapter:
    """Started, it serves; install() and uninstall() decide whether the cluster knows of an API."""

    def __init__(self, plane, kubelet):
        self.plane, self.kubelet = plane, kubelet
        self.samples = collections.defaultdict(collections.deque)
        self.stopped = threading.Event()
        plane.pki.leaf("adapter", "ca", "/CN=adapter", "serverAuth", names=[f"{SERVICE}.{NAMESPACE}.svc"])
        self.server = http.server.ThreadingHTTPServer((ADAPTER_ADDRESS, PORT), self.handler())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(plane.pki.path("adapter.crt"), plane.pki.path("adapter.key"))
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True,
                                                 do_handshake_on_connect=False)

    def start(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        threading.Thread(target=self.sample, daemon=True).start()
        self.plane.kubectl("apply", "-f", "-", text=f"""
apiVersion: v1
kind: Namespace
metadata: {{name: {NAMESPACE}}}
---
apiVersion: v1
kind: Service
metadata: {{name: {SERVICE}, namespace: {NAMESPACE}}}
spec: {{ports: [{{name: https, port: 443, targetPort: {PORT}}}]}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: {SERVICE}-0
  namespace: {NAMESPACE}
  labels: {{kubernetes.io/service-name: {SERVICE}}}
addressType: IPv4
ports: [{{name: https, port: {PORT}}}]
endpoints: [{{addresses: ["{ADAPTER_ADDRESS}"], conditions: {{ready: true}}}}]
""")
        return self

    def stop(self):
        self.stopped.set()
        self.server.shutdown()

    def install(self, group):
        name, version = group.split("/")
        self.plane.kubectl("apply", "-f", "-", text=json.dumps({
            "apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService",
            "metadata": {"name": f"{version}.{name}"},
            "spec": {"group": name, "version": version, "groupPriorityMinimum": 100, "versionPriority": 100,
                     "service": {"name": SERVICE, "namespace": NAMESPACE, "port": 443},
                     "caBundle": self.plane.pki.bundle()}}))
        self.plane.kubectl("wait", "--for=condition=Available", f"apiservice/{version}.{name}", "--timeout=30s")

    def uninstall(self, group):
        name, version = group.split("/")
        self.plane.kubectl("delete", "apiservice", f"{version}.{name}", "--ignore-not-found")

    def sample(self):
        """Processor seconds of each pod over time, for a rate over the last WINDOW."""
        while not self.stopped.wait(1.0):
            for uid, pod in list(self.kubelet.pods.items()):
                kept = self.samples[uid]
                kept.append((time.monotonic(), pod.cpu_seconds()))
                while len(kept) > 2 and kept[1][0] < kept[-1][0] - WINDOW:
                    kept.popleft()

    def cores(self, uid):
        kept = list(self.samples[uid])
        if len(kept) < 2:
            return None
        (began, before), (ended, after) = kept[0], kept[-1]
        return max(0.0, after - before) / (ended - began)

    def pod_metrics(self, namespace, selector):
        wanted = dict(each.split("=", 1) for each in selector.split(",") if each)
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        items = []
        for uid, pod in list(self.kubelet.pods.items()):
            labels = pod.body["metadata"].get("labels", {})
            cores = self.cores(uid)
            if pod.namespace != namespace or cores is None:
                continue
            if any(labels.get(name) != value for name, value in wanted.items()):
                continue
            usage = {"cpu": f"{int(cores * 1e9)}n", "memory": "16Mi"}
            items.append({"metadata": {"name": pod.name, "namespace": namespace, "labels": labels},
                          "timestamp": now, "window": f"{WINDOW}s",
                          "containers": [{"name": pod.containers[0].name, "usage": usage}]})
        return {"kind": "PodMetricsList", "apiVersion": "metrics.k8s.io/v1beta1", "metadata": {}, "items": items}

    def answer(self, path, query):
        parts = [each for each in path.split("/") if each]
        if parts == ["apis"]:
            groups = [{"name": name, "versions": [{"groupVersion": key, "version": version}],
                       "preferredVersion": {"groupVersion": key, "version": version}}
                      for key in RESOURCES for name, version in [key.split("/")]]
            return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}
        if parts[:1] == ["openapi"]:
            return {"paths": {}} if parts[1] == "v3" else {
                "swagger": "2.0", "info": {"title": "adapter", "version": "v1"}, "paths": {}}
        key = "/".join(parts[1:3])
        if key in RESOURCES and len(parts) == 3:
            return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": key, "resources": [
                {"name": name, "singularName": "", "namespaced": name != "nodes", "kind": kind,
                 "verbs": ["get"] if name == "queue_length" else ["get", "list"]}
                for name, kind in RESOURCES[key]]}
        if key == "metrics.k8s.io/v1beta1" and parts[3:4] == ["namespaces"] and parts[5:] == ["pods"]:
            return self.pod_metrics(parts[4], query.get("labelSelector", [""])[0])
        return None

    def handler(self):
        adapter = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                split = urllib.parse.urlsplit(self.path)
                found = adapter.answer(split.path, urllib.parse.parse_qs(split.query))
                body = json.dumps(found or {"kind": "Status", "apiVersion": "v1", "status": "Failure",
                                            "reason": "NotFound", "code": 404}).encode()
                self.send_response(200 if found else 404)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        return Handler
