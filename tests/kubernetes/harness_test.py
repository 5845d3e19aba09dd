"""The tests' own ground: pods really run, are really probed, and end as on a node."""
import urllib.request

from harness.api import wait_until
from harness.network import DNS_ADDRESS, PodNetwork, ip

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


LOOK_UP = r"""import socket, sys
asking = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
asking.settimeout(5)
asking.sendto(b"\0\1\1\0\0\1\0\0\0\0\0\0\7nowhere\0\0\1\0\1", (sys.argv[1], 53))
asking.recv(512)"""


def test_a_pod_that_leaves_takes_no_other_off_the_network(kubelet):
    leaves, stays = PodNetwork(), PodNetwork()
    # A bridge without an address of its own takes the lowest of its ports'.
    ip("link", "set", leaves.link, "address", "00:00:5e:00:53:01")
    try:
        ip("netns", "exec", stays.name, "python3", "-c", LOOK_UP, DNS_ADDRESS)
        leaves.remove()
        ip("netns", "exec", stays.name, "python3", "-c", LOOK_UP, DNS_ADDRESS)
    finally:
        leaves.remove()
        stays.remove()


SHELL = """
apiVersion: v1
kind: Pod
metadata: {{name: shell}}
spec:
  terminationGracePeriodSeconds: 1
  volumes: [{{name: settings, configMap: {{name: settings, optional: true}}}}]
  containers:
    - name: shell
      image: app-a:1.2.3
      command: [/bin/sh, -c, "{script}"]
      volumeMounts: [{{name: settings, mountPath: /settings}}]
{more}
"""
LOOP = "while :; do sleep 0.1 & wait; done"


def run_shell(plane, kubelet, namespace, script, more=""):
    plane.kubectl("apply", "-n", namespace, "-f", "-", text=SHELL.format(script=script, more=more))
    return wait_until(lambda: (found := kubelet.find(namespace, "shell")) and found[0].containers[0].process
                      and found[0], what="its process")


def end_of(plane, pod):
    plane.api.delete("Pod", pod.name, pod.namespace)
    wait_until(lambda: not pod.is_alive(), what="its end")
    return pod.containers[0].process.returncode


def test_the_hook_before_the_end_runs_before_sigterm(plane, kubelet, namespace):
    script = f"trap 'test -e /tmp/hooked; exit $?' TERM; echo begun; {LOOP}"
    hook = "      lifecycle: {preStop: {exec: {command: [/bin/touch, /tmp/hooked]}}}"
    pod = run_shell(plane, kubelet, namespace, script, hook)
    wait_until(lambda: "begun" in pod.containers[0].log.read_text(), what="the trap")
    assert end_of(plane, pod) == 0


def test_what_ignores_sigterm_is_killed_after_its_grace(plane, kubelet, namespace):
    pod = run_shell(plane, kubelet, namespace, f"trap '' TERM; echo begun; {LOOP}")
    wait_until(lambda: "begun" in pod.containers[0].log.read_text(), what="the trap")
    assert end_of(plane, pod) == -9


def test_a_container_that_fails_its_liveness_is_started_again(plane, kubelet, namespace):
    probe = "      livenessProbe: {tcpSocket: {port: 4999}, periodSeconds: 1, failureThreshold: 1}"
    run_shell(plane, kubelet, namespace, "exec sleep 1000", probe)
    wait_until(lambda: plane.api.find("Pod", "shell", namespace)["status"]["containerStatuses"][0]["restartCount"] > 0,
               what="a restart")


def test_a_volume_follows_its_config_map(plane, kubelet, namespace):
    pod = run_shell(plane, kubelet, namespace, "while :; do cat /settings/word; sleep 0.1; done")
    for word in ("first", "second"):
        plane.kubectl("apply", "-n", namespace, "-f", "-", text=f"""
apiVersion: v1
kind: ConfigMap
metadata: {{name: settings}}
data: {{word: {word}}}
""")
        wait_until(lambda: word in pod.containers[0].log.read_text(), what=word)


def test_a_service_is_found_by_its_name(plane, kubelet, namespace):
    plane.kubectl("apply", "-n", namespace, "-f", "-", text=APP)
    wait_until(lambda: len(ready_addresses(plane, namespace)) == 2, what="two ready endpoints")
    ask = "import urllib.request as u; print(u.urlopen('http://app-a/hello').read())"
    pod = run_shell(plane, kubelet, namespace, f"python3 -c \\\"{ask}\\\"; exec sleep 1000")
    wait_until(lambda: "Hello there" in pod.containers[0].log.read_text(), what="an answer")
