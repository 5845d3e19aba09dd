"""A client of the API server, as small as the tests need it: JSON in, JSON out, and watches."""
import http.client
import json
import ssl
import time
import urllib.parse

# Plural names and groups of the kinds that manifests use.
KINDS = {
    "Namespace": ("api/v1", "namespaces", False), "Node": ("api/v1", "nodes", False),
    "Pod": ("api/v1", "pods", True), "Service": ("api/v1", "services", True),
    "ConfigMap": ("api/v1", "configmaps", True), "Secret": ("api/v1", "secrets", True),
    "ServiceAccount": ("api/v1", "serviceaccounts", True), "Event": ("apis/events.k8s.io/v1", "events", True),
    "Deployment": ("apis/apps/v1", "deployments", True), "StatefulSet": ("apis/apps/v1", "statefulsets", True),
    "EndpointSlice": ("apis/discovery.k8s.io/v1", "endpointslices", True),
    "Ingress": ("apis/networking.k8s.io/v1", "ingresses", True),
    "IngressClass": ("apis/networking.k8s.io/v1", "ingressclasses", False),
    "Lease": ("apis/coordination.k8s.io/v1", "leases", True),
    "HorizontalPodAutoscaler": ("apis/autoscaling/v2", "horizontalpodautoscalers", True),
    "APIService": ("apis/apiregistration.k8s.io/v1", "apiservices", False),
    "ClusterRole": ("apis/rbac.authorization.k8s.io/v1", "clusterroles", False),
    "ClusterRoleBinding": ("apis/rbac.authorization.k8s.io/v1", "clusterrolebindings", False),
}


class ApiError(Exception):
    def __init__(self, code, body):
        super().__init__(f"{code}: {body.get('message', body) if isinstance(body, dict) else body}")
        self.code = code
        self.body = body


class Api:
    """One caller of the API server. Thread-safe: each request has a connection of its own."""

    def __init__(self, host, port, ca, certificate, key):
        self.host, self.port = host, port
        self.context = ssl.create_default_context(cafile=ca)
        self.context.load_cert_chain(certificate, key)

    def connect(self, timeout):
        return http.client.HTTPSConnection(self.host, self.port, context=self.context, timeout=timeout)

    def request(self, method, path, body=None, content_type="application/json", timeout=30):
        connection = self.connect(timeout)
        try:
            data = json.dumps(body) if body is not None else None
            headers = {"Accept": "application/json"}
            if data is not None:
                headers["Content-Type"] = content_type
            connection.request(method, path, data, headers)
            response = connection.getresponse()
            text = response.read().decode()
        finally:
            connection.close()
        try:
            answer = json.loads(text)
        except ValueError:
            answer = text
        if response.status >= 400:
            raise ApiError(response.status, answer)
        return answer

    @staticmethod
    def path(kind, namespace=None, name=None, sub=None):
        group, plural, namespaced = KINDS[kind]
        parts = [group]
        if namespaced and namespace:
            parts += ["namespaces", namespace]
        parts += [each for each in (plural, name, sub) if each]
        return "/" + "/".join(parts)

    def find(self, kind, name, namespace=None):
        return self.request("GET", self.path(kind, namespace, name))

    def list(self, kind, namespace=None, **query):
        tail = "?" + urllib.parse.urlencode(query) if query else ""
        return self.request("GET", self.path(kind, namespace) + tail)["items"]

    def create(self, kind, body, namespace=None, sub=None, name=None):
        return self.request("POST", self.path(kind, namespace, name, sub), body)

    def patch(self, kind, name, body, namespace=None, sub=None):
        return self.request("PATCH", self.path(kind, namespace, name, sub), body,
                            "application/merge-patch+json")

    def delete(self, kind, name, namespace=None, grace=None):
        tail = f"?gracePeriodSeconds={grace}" if grace is not None else ""
        return self.request("DELETE", self.path(kind, namespace, name) + tail)

    def watch(self, kind, stopped, namespace=None, **query):
        """Yields (type, object) for ever: after an interruption everything is listed again, as
        ADDED, and `("SYNC", names)` tells which exist."""
        while not stopped():
            try:
                yield from self._watch_once(kind, stopped, namespace, query)
            except (OSError, ApiError, http.client.HTTPException, ValueError):
                time.sleep(0.2)  # between two tries to reach a server that is away

    def _watch_once(self, kind, stopped, namespace, query):
        tail = "?" + urllib.parse.urlencode(query) if query else ""
        listed = self.request("GET", self.path(kind, namespace) + tail)
        for item in listed["items"]:
            yield "ADDED", item
        yield "SYNC", {(each["metadata"].get("namespace"), each["metadata"]["name"])
                       for each in listed["items"]}
        query = dict(query, watch="true", resourceVersion=listed["metadata"]["resourceVersion"],
                     timeoutSeconds="300")
        connection = self.connect(330)
        try:
            connection.request("GET", self.path(kind, namespace) + "?" + urllib.parse.urlencode(query))
            response = connection.getresponse()
            for line in response:
                event = json.loads(line)
                if event["type"] == "ERROR":
                    return
                if event["type"] != "BOOKMARK":
                    yield event["type"], event["object"]
                if stopped():
                    return
        finally:
            connection.close()


def wait_until(check, seconds=30, what="the condition"):
    """Polls a state that nothing announces; returns what `check` gave when it was true."""
    deadline = time.monotonic() + seconds
    last = None
    while True:
        try:
            last = check()
            if last:
                return last
        except (ApiError, OSError) as error:
            last = error
        if time.monotonic() >= deadline:
            raise AssertionError(f"{what} did not come within {seconds} s; last: {last!r}")
        time.sleep(0.1)
