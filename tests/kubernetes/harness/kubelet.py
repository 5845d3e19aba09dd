"""A scheduler and a kubelet for one node that KWOK leaves alone: what is bound there really runs."""
import threading

from .api import ApiError
from .plane import ADDRESS
from .pod import Pod

NODE = "node-real"
KWOK_NODE = "node-kwok"


def node(name, labels):
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": {
        "kubernetes.io/hostname": name, "topology.kubernetes.io/zone": "zone-a", **labels}}}


class Kubelet:
    def __init__(self, plane, work):
        self.api, self.work = plane.api, work
        self.pods = {}
        self.met = []  # all that ever ran here, in order
        self.stopped = threading.Event()
        self.threads = [threading.Thread(target=each, daemon=True) for each in (self.bind, self.follow)]

    def start(self):
        self.api.create("Node", node(NODE, {}))
        self.api.create("Node", node(KWOK_NODE, {"type": "kwok"}))
        self.api.patch("Node", NODE, {"status": {
            "conditions": [{"type": "Ready", "status": "True", "reason": "Tests"}],
            "addresses": [{"type": "InternalIP", "address": ADDRESS}],
            "capacity": {"cpu": "2", "memory": "8Gi", "pods": "110"},
            "allocatable": {"cpu": "2", "memory": "8Gi", "pods": "110"}}}, sub="status")
        for each in self.threads:
            each.start()
        return self

    def stop(self):
        self.stopped.set()

    def bind(self):
        for kind, pod in self.api.watch("Pod", self.stopped.is_set, fieldSelector="spec.nodeName="):
            if kind in ("ADDED", "MODIFIED") and "deletionTimestamp" not in pod["metadata"]:
                self.bind_one(pod)

    def bind_one(self, pod):
        wants_kwok = pod["spec"].get("nodeSelector", {}).get("type") == "kwok"
        meta = pod["metadata"]
        body = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": meta["name"]},
                "target": {"apiVersion": "v1", "kind": "Node", "name": KWOK_NODE if wants_kwok else NODE}}
        try:
            self.api.create("Pod", body, meta["namespace"], "binding", meta["name"])
        except (ApiError, OSError):
            pass  # gone, or bound already

    def follow(self):
        for kind, pod in self.api.watch("Pod", self.stopped.is_set, fieldSelector=f"spec.nodeName={NODE}"):
            if kind in ("ADDED", "MODIFIED"):
                self.meet(pod)
            elif kind == "DELETED":
                self.forget(pod["metadata"]["uid"])
            else:
                for uid, known in list(self.pods.items()):
                    if (known.namespace, known.name) not in pod:  # deleted while the API server was away
                        self.forget(uid)

    def meet(self, body):
        meta = body["metadata"]
        known = self.pods.get(meta["uid"])
        if known is None and "deletionTimestamp" not in meta:
            known = Pod(self.api, body, self.work / f"{meta['name']}-{meta['uid'][:8]}")
            self.pods[meta["uid"]] = known
            self.met.append(known)
            known.start()
        if "deletionTimestamp" in meta:
            if known is not None:
                known.stop(meta.get("deletionGracePeriodSeconds", 30))
            else:
                self.api.delete("Pod", meta["name"], meta["namespace"], grace=0)  # never began here

    def forget(self, uid):
        """Deleted by force: nothing of it may go on."""
        pod = self.pods.pop(uid, None)
        if pod is not None:
            pod.gone.set()
            pod.stop(0)

    def find(self, namespace, prefix):
        """The pods that run now, by the beginning of their names."""
        return sorted((each for each in self.pods.values()
                       if each.namespace == namespace and each.name.startswith(prefix)), key=lambda pod: pod.name)
