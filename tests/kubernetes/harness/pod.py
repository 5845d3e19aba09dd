"""One pod as the tests' kubelet runs it: containers are real processes in a network namespace of their
own, probes are really asked, and the end is preStop, SIGTERM, grace, SIGKILL, as on a node."""
import datetime
import os
import json
import pathlib
import subprocess
import sys
import threading
import time

from . import images
from .api import ApiError
from .network import DNS_ADDRESS, PodNetwork
from .plane import ADDRESS, SERVICE_ADDRESS
from .probe import Probe, act
from .volumes import Volume

LAUNCHER = pathlib.Path(__file__).parent / "container.py"
RESTART_PAUSE = 1.0


def now():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


class Container:
    """A container of the pod and the process that it is now."""

    def __init__(self, pod, spec, init=False):
        self.pod, self.spec, self.init = pod, spec, init
        self.name = spec["name"]
        self.log = pod.folder / f"{self.name}.log"
        self.process = None
        self.restarts = 0
        self.ready = init
        self.started_at = None
        self.ended = None
        self.ended_at = None
        self.probes = [] if init else [Probe(self, kind) for kind in Probe.KINDS if kind in spec]

    def start(self):
        spec_file = self.pod.folder / f"{self.name}.json"
        spec_file.write_text(json.dumps(self.launch_spec()))
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([sys.executable, str(LAUNCHER), str(spec_file)],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.started_at = now()
        self.ended = None
        for probe in self.probes:
            probe.begin()
        self.ready = not any(each.kind == "readinessProbe" for each in self.probes) or self.init

    def launch_spec(self):
        image = images.find(self.spec["image"])
        security = {**self.pod.spec.get("securityContext", {}), **self.spec.get("securityContext", {})}
        user = security.get("runAsUser", image.user)
        if security.get("runAsNonRoot") and user == 0:
            raise ValueError(f"container {self.name} would run as root, which its manifest forbids")
        group = security.get("runAsGroup", user)
        command = self.spec.get("command") or image.entrypoint
        environment = self.pod.environment(self.spec)
        return {"root": str(self.pod.make_folder(f"root-{self.name}")), "files": image.files,
                "network": self.pod.network.path, "etc": self.pod.etc(user, group),
                "mounts": [self.pod.mount(each) for each in self.spec.get("volumeMounts", [])],
                "read_only_root": security.get("readOnlyRootFilesystem", False),
                "drop_capabilities": "ALL" in security.get("capabilities", {}).get("drop", []),
                "no_new_privileges": not security.get("allowPrivilegeEscalation", True),
                "user": user, "group": group,
                "groups": [each for each in [security.get("fsGroup")] if each is not None],
                "directory": self.spec.get("workingDir"), "environment": environment,
                "command": [expand(each, environment) for each in
                            [*command, *self.spec.get("args", [])]]}

    def poll(self):
        """Looks whether the process is there; starts it again when it is not."""
        if self.process.poll() is None:
            return
        if self.ended is None:
            self.ended = time.monotonic()
            self.ended_at = now()
            self.ready = False
        elif time.monotonic() - self.ended >= RESTART_PAUSE:
            self.restarts += 1
            self.start()

    def status(self):
        running = self.process is not None and self.process.poll() is None
        if running:
            state = {"running": {"startedAt": self.started_at}}
        elif self.process is not None:
            code = self.process.returncode
            state = {"terminated": {"exitCode": code if code >= 0 else 128 - code,
                                    "startedAt": self.started_at, "finishedAt": self.ended_at or now()}}
        else:
            state = {"waiting": {"reason": "PodInitializing"}}
        return {"name": self.name, "image": self.spec["image"], "imageID": "", "ready": self.ready and running,
                "started": running, "restartCount": self.restarts, "state": state}

    def cpu_seconds(self):
        """What the process has used, its threads and children that ended included."""
        try:
            fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        except (OSError, AttributeError):
            return 0.0
        return sum(int(each) for each in fields[11:15]) / os.sysconf("SC_CLK_TCK")


def expand(text, environment):
    for name, value in environment.items():
        text = text.replace(f"$({name})", value)
    return text


class Pod(threading.Thread):
    def __init__(self, api, body, folder):
        super().__init__(daemon=True, name=body["metadata"]["name"])
        self.api, self.body, self.folder = api, body, folder
        self.spec = body["spec"]
        self.name = body["metadata"]["name"]
        self.namespace = body["metadata"]["namespace"]
        self.uid = body["metadata"]["uid"]
        folder.mkdir(parents=True)
        self.network = PodNetwork()
        self.volumes = {}
        self.init_containers = [Container(self, each, init=True) for each in self.spec.get("initContainers", [])]
        self.containers = [Container(self, each) for each in self.spec["containers"]]
        self.deletion = threading.Event()
        self.gone = threading.Event()  # its object, as far as the kubelet knows
        self.grace = 30
        self.told = None
        self.began_at = now()
        self.conditions = {}
        self.tokens = {}

    # What a manifest may ask for.
    def make_folder(self, name):
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        return folder

    def field(self, path):
        return {"metadata.name": self.name, "metadata.namespace": self.namespace, "metadata.uid": self.uid,
                "status.podIP": self.network.address,
                "status.podIPs": f"{self.network.address},{self.network.address6}",
                "status.hostIP": ADDRESS, "spec.nodeName": self.spec["nodeName"],
                "spec.serviceAccountName": self.spec.get("serviceAccountName", "default")}[path]

    def environment(self, spec):
        environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOSTNAME": self.name, "HOME": "/",
                       "KUBERNETES_SERVICE_HOST": SERVICE_ADDRESS, "KUBERNETES_SERVICE_PORT": "443"}
        for source in spec.get("envFrom", []):
            kind, name = ("Secret", source["secretRef"]["name"]) if "secretRef" in source else (
                "ConfigMap", source["configMapRef"]["name"])
            volume = Volume.of_secret if kind == "Secret" else Volume.of_config_map
            environment.update({key: text.decode() for key, text in volume(self.lookup(), {"name": name}).items()})
        for each in spec.get("env", []):
            environment[each["name"]] = self.value(each, environment)
        return environment

    def lookup(self):
        volume = Volume.__new__(Volume)
        volume.pod = self
        return volume

    def value(self, variable, environment):
        if "valueFrom" not in variable:
            return expand(variable.get("value", ""), environment)
        source = variable["valueFrom"]
        if "fieldRef" in source:
            return self.field(source["fieldRef"]["fieldPath"])
        if "resourceFieldRef" in source:
            return "1"
        kind = "secretKeyRef" if "secretKeyRef" in source else "configMapKeyRef"
        reader = Volume.of_secret if kind == "secretKeyRef" else Volume.of_config_map
        return reader(self.lookup(), {"name": source[kind]["name"]})[source[kind]["key"]].decode()

    def etc(self, user, group):
        search = f"{self.namespace}.svc.cluster.local svc.cluster.local cluster.local"
        return {"hosts": f"127.0.0.1 localhost\n::1 localhost\n{self.network.address} {self.name}\n",
                "resolv.conf": f"nameserver {DNS_ADDRESS}\nsearch {search}\noptions ndots:5\n",
                "hostname": self.name + "\n", "nsswitch.conf": "hosts: files dns\n",
                "passwd": f"root:x:0:0::/:/bin/sh\nuser:x:{user}:{group}::/:/bin/sh\n",
                "group": f"root:x:0:\nuser:x:{group}:\n"}

    def mount(self, wanted):
        source = self.volumes[wanted["name"]].folder
        if "subPath" in wanted:
            source = source / wanted["subPath"]
        return {"source": str(source), "target": wanted["mountPath"], "read_only": wanted.get("readOnly", False)}

    def service_account_token(self, wanted):
        audience = wanted.get("audience", "")
        made, token = self.tokens.get(audience, (0, None))
        if token is None or time.monotonic() - made > 300:
            body: dict = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
                    "spec": {"audiences": [audience] if audience else [],
                             "expirationSeconds": max(600, wanted.get("expirationSeconds", 3600)),
                             "boundObjectRef": {"kind": "Pod", "apiVersion": "v1", "name": self.name,
                                                "uid": self.uid}}}
            if not audience:
                del body["spec"]["audiences"]
            answer = self.api.create("ServiceAccount", body, self.namespace, "token",
                                     self.spec.get("serviceAccountName", "default"))
            self.tokens[audience] = (time.monotonic(), answer["status"]["token"])
        return self.tokens[audience][1]

    # Its life.
    def run(self):
        try:
            if self.prepare():
                self.live()
            self.end()
        except Exception as error:  # whatever is wrong with a pod is written on the pod
            self.tell("Failed", [], str(error))
            self.deletion.wait()
            self.end()

    def prepare(self):
        self.tell("Pending", [])
        for spec in self.spec.get("volumes", []):
            self.volumes[spec["name"]] = Volume(self, spec, self.folder / "volumes" / spec["name"])
        while not self.fill_volumes():
            if self.deletion.wait(0.2):
                return False
        for container in self.init_containers:
            if not self.run_to_end(container):
                return False
        for container in self.containers:
            container.start()
        return True

    def fill_volumes(self):
        try:
            for volume in self.volumes.values():
                volume.fill()
            return True
        except (ApiError, OSError, KeyError) as error:
            self.tell("Pending", [], f"volumes: {error}")
            return False

    def run_to_end(self, container):
        container.start()
        while container.process.poll() != 0:
            self.tell("Pending", [])
            if container.process.poll() is not None:
                if self.deletion.wait(RESTART_PAUSE):
                    return False
                container.restarts += 1
                container.start()
            if self.deletion.wait(0.05):
                container.process.kill()
                return False
        return True

    def live(self):
        renew = time.monotonic() + 1
        while not self.deletion.wait(0.05):
            if self.spec.get("restartPolicy") == "Never" and self.completed():
                self.deletion.wait()
                return
            for container in self.containers:
                container.poll()
                for probe in container.probes:
                    probe.look()
            self.report()
            if time.monotonic() >= renew:
                self.fill_volumes()
                renew = time.monotonic() + 1

    def completed(self):
        """Of a pod that runs once."""
        codes = [each.process.poll() for each in self.containers]
        if None in codes:
            return False
        self.tell("Failed" if any(codes) else "Succeeded", [("ContainersReady", False), ("Ready", False)])
        return True

    def report(self):
        ready = all(each.status()["ready"] for each in self.containers)
        self.tell("Running", [("ContainersReady", ready), ("Ready", ready)])

    def tell(self, phase, conditions, message=""):
        always = [("PodScheduled", True), ("Initialized", phase == "Running")]
        status = {"phase": phase, "message": message, "startTime": self.began_at,
                  "hostIP": ADDRESS, "hostIPs": [{"ip": ADDRESS}], "podIP": self.network.address,
                  "podIPs": [{"ip": self.network.address}, {"ip": self.network.address6}],
                  "conditions": [{"type": kind, "status": "True" if good else "False"}
                                 for kind, good in [*always, *conditions]],
                  "initContainerStatuses": [each.status() for each in self.init_containers],
                  "containerStatuses": [each.status() for each in self.containers]}
        if status == self.told:
            return
        # Autoscalers judge a pod by when it became ready: that time stays while the status does.
        for each in status["conditions"]:
            if self.conditions.get(each["type"], (None, None))[0] != each["status"]:
                self.conditions[each["type"]] = (each["status"], now())
        try:
            stamped = [{**each, "lastTransitionTime": self.conditions[each["type"]][1]}
                       for each in status["conditions"]]
            self.api.patch("Pod", self.name, {"status": {**status, "conditions": stamped}},
                           self.namespace, "status")
            self.told = status
        except (ApiError, OSError):
            pass  # told again in a moment

    def stop(self, grace):
        self.grace = grace
        self.deletion.set()

    def end(self):
        running = [each for each in self.containers if each.process and each.process.poll() is None]
        deadline = time.monotonic() + self.grace
        stoppers = [threading.Thread(target=self.end_container, args=(each, deadline)) for each in running]
        for each in stoppers:
            each.start()
        # Readiness goes on being asked: the server that drains says so by it.
        while any(each.is_alive() for each in stoppers):
            for container in running:
                for probe in container.probes:
                    if probe.kind == "readinessProbe":
                        probe.look()
            self.report()
            stoppers[0].join(0.05)
        self.report()
        self.network.remove()
        while not self.removed():
            self.gone.wait(0.5)

    def removed(self):
        """Takes the object away; an API server that is not there is asked again."""
        try:
            if self.api.find("Pod", self.name, self.namespace)["metadata"]["uid"] == self.uid:
                self.api.delete("Pod", self.name, self.namespace, grace=0)
            return True
        except ApiError as error:
            return error.code == 404
        except OSError:
            return self.gone.is_set()

    def end_container(self, container, deadline):
        hook = container.spec.get("lifecycle", {}).get("preStop")
        if hook:
            act(container, hook, max(0.0, deadline - time.monotonic()))
        container.process.send_signal(images.find(container.spec["image"]).stop_signal)
        try:
            container.process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            container.process.kill()
            container.process.wait()

    def cpu_seconds(self):
        return sum(each.cpu_seconds() for each in self.containers)
