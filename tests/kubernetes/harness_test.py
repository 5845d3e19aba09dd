"""The tests' own ground: pods really run, are really probed, and end as on a node."""
import urllib.request

from harness.api import wait_until

APP = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: app-a}
spec:
  replicas: 2
  selector: {matchLabels: {app: app-a}}
  template:
    metadata: {labels: {app: app-a}}
    spec:
      terminationGracePeriodSeconds: 10
      securityContext: {runAsNonRoot: true, runAsUser: 65532}
      containers:
        - name: app-a
          image: app-a:1.2.3
          args: [--listen, "0.0.0.0:5000"]
          ports: [{name: http, containerPort: 5000}]
          readinessProbe: {httpGet: {path: /readyz, port: http}, periodSeconds: 1}
          securityContext: {readOnlyRootFilesystem: true, allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
---
apiVersion: v1
kind: Service
metadata: {name: app-a}
spec: {selector: {app: app-a}, ports: [{port: 80, targetPort: http}]}
"""


def ready_addresses(plane, namespace):
    return sorted(address for piece in plane.api.list("EndpointSlice", namespace)
                  for endpoint in piece.get("endpoints") or [] if endpoint["conditions"].get("ready")
                  for address in endpoint["addresses"])


def test_a_pod_is_reached_where_its_slice_says(plane, kubelet, namespace):
    plane.kubectl("apply", "-n", namespace, "-f", "-", text=APP)
    addresses = wait_until(lambda: (found := ready_addresses(plane, namespace)) and len(found) == 2 and found,
                           what="two ready endpoints")
    for address in addresses:
        with urllib.request.urlopen(f"http://{address}:5000/hello", timeout=5) as answer:
            assert answer.read() == b"Hello there"


def test_a_pod_that_is_deleted_ends_by_sigterm(plane, kubelet, namespace):
    plane.kubectl("apply", "-n", namespace, "-f", "-", text=APP)
    wait_until(lambda: len(ready_addresses(plane, namespace)) == 2, what="two ready endpoints")
    pod = kubelet.find(namespace, "app-a")[0]
    plane.api.delete("Pod", pod.name, namespace)
    wait_until(lambda: pod.containers[0].process.poll() is not None, what="its end")
    assert pod.containers[0].process.returncode == 0
    wait_until(lambda: len(ready_addresses(plane, namespace)) == 2, what="its successor")
