"""A real control plane: etcd, kube-apiserver and kube-controller-manager of one version, and KWOK, built
from their Go modules and kept between runs. Runs in the network and PID namespaces of the tests, so
nothing of it outlives them and nothing reaches it from outside."""
import base64
import fcntl
import functools
import hashlib
import json
import os
import pathlib
import re
import shutil
import ssl
import subprocess
import sys
import time
import urllib.request

from .api import Api, wait_until

HERE = pathlib.Path(__file__).resolve().parent.parent
MODULES = HERE / "modules"
ADDRESS = "10.244.255.1"
KWOK_ADDRESS = "10.244.255.2"  # of the node there is nothing but this address
PORT = 6443
SERVICES = "10.96.0.0/16,fd00:10:96::/108"
SERVICE_ADDRESS = "10.96.0.1"
KWOK_PODS = "10.244.200.0/22"
PROGRAMS = ("etcd", "kube-apiserver", "kube-controller-manager", "kubectl", "kwok")
CONTROLLERS = ("deployment", "replicaset", "statefulset", "endpointslice", "horizontal-pod-autoscaler",
               "garbage-collector", "namespace", "serviceaccount", "serviceaccount-token",
               "root-ca-certificate-publisher", "clusterrole-aggregation", "disruption")


def programs():
    """The folder of the programs, built if they are not there for these modules (16 minutes on two
    cores with nothing cached)."""
    files = [MODULES / "go.mod", MODULES / "go.sum", MODULES / "etcd/main.go"]
    stamp = hashlib.sha256(b"".join(each.read_bytes() for each in files)).hexdigest()[:16]
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
    folder = cache / "gateway" / f"control-plane-{stamp}"
    if all((folder / each).is_file() for each in PROGRAMS):
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with open(folder.parent / "control-plane.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not all((folder / each).is_file() for each in PROGRAMS):
            build(folder)
    return folder


def build(folder):
    version = re.search(r"k8s\.io/kubernetes (v\S+)", (MODULES / "go.mod").read_text())[1]
    flags = ["-s", "-w"]
    for package in ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version"):
        for name, value in (("gitVersion", version), ("gitMajor", "1"),
                            ("gitMinor", version.split(".")[1]), ("gitTreeState", "clean")):
            flags.append(f"-X {package}.{name}={value}")
    part = folder.with_name(folder.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    if shutil.which("go") is None:
        sys.exit("the test control plane is built from Go modules: install Go (go.mod names its version)")
    print("building the test control plane (some 16 minutes the first time)", file=sys.stderr, flush=True)
    subprocess.run(["nice", "-n", "10", "go", "build", "-mod=readonly", "-trimpath", "-buildvcs=false",
                    "-ldflags", " ".join(flags), "-o", f"{part}/", "tool"],
                   cwd=MODULES, env={**os.environ, "CGO_ENABLED": "0"}, check=True)
    shutil.rmtree(folder, ignore_errors=True)
    part.rename(folder)


@functools.cache
def render(folder):
    """The objects of an overlay, as kubectl makes them."""
    return subprocess.run([str(programs() / "kubectl"), "kustomize", str(folder)], check=True,
                          capture_output=True, text=True).stdout


class Authorities:
    """The certificates of the plane."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir(parents=True)
        for name in ("ca", "front-proxy-ca"):
            self.authority(name)
        names = ["localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc",
                 "kubernetes.default.svc.cluster.local"]
        self.leaf("apiserver", "ca", "/CN=kube-apiserver", "serverAuth",
                  names=names, addresses=["127.0.0.1", ADDRESS, SERVICE_ADDRESS])
        self.leaf("admin", "ca", "/O=system:masters/CN=admin", "clientAuth")
        self.leaf("controller-manager", "ca", "/CN=system:kube-controller-manager", "clientAuth")
        self.front_proxy_client()
        self.openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", self.path("sa.key"))
        self.openssl("pkey", "-in", self.path("sa.key"), "-pubout", "-out", self.path("sa.pub"))

    def front_proxy_client(self):
        self.leaf("front-proxy-client", "front-proxy-ca", "/CN=front-proxy-client", "clientAuth")

    def renew_front_proxy(self):
        """Another authority and a certificate of it in their places; those of before get the names `old-…`."""
        for name in ("front-proxy-ca", "front-proxy-client"):
            for suffix in ("crt", "key"):
                (self.folder / f"{name}.{suffix}").rename(self.folder / f"old-{name}.{suffix}")
        self.authority("front-proxy-ca")
        self.front_proxy_client()

    def path(self, name):
        return str(self.folder / name)

    def bundle(self):
        """The authority as a caBundle wants it."""
        return base64.b64encode((self.folder / "ca.crt").read_bytes()).decode()

    @staticmethod
    def openssl(*arguments, text=None):
        subprocess.run(["openssl", *arguments], input=text, text=True, check=True, capture_output=True)

    def authority(self, name):
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                     "-subj", f"/CN={name}", "-days", "3650", "-keyout", self.path(f"{name}.key"),
                     "-out", self.path(f"{name}.crt"))

    def leaf(self, name, authority, subject, use, names=(), addresses=()):
        extensions = f"basicConstraints=CA:FALSE\nkeyUsage=digitalSignature\nextendedKeyUsage={use}\n"
        alternatives = [f"DNS:{each}" for each in names] + [f"IP:{each}" for each in addresses]
        if alternatives:
            extensions += "subjectAltName=" + ",".join(alternatives) + "\n"
        (self.folder / f"{name}.ext").write_text(extensions)
        self.openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                     "-subj", subject, "-keyout", self.path(f"{name}.key"), "-out", self.path(f"{name}.csr"))
        self.openssl("x509", "-req", "-in", self.path(f"{name}.csr"), "-CA", self.path(f"{authority}.crt"),
                     "-CAkey", self.path(f"{authority}.key"), "-set_serial", str(time.time_ns()), "-days",
                     "3650", "-out", self.path(f"{name}.crt"), "-extfile", self.path(f"{name}.ext"))


class ControlPlane:
    """Started by start(); `api` is the administrator's client, `kubectl` runs the real one."""

    def __init__(self, work, hpa_sync="5s"):
        self.work = pathlib.Path(work)
        self.hpa_sync = hpa_sync
        self.bin = programs()
        self.processes = {}
        self.log = self.work / "log"
        self.log.mkdir(parents=True)
        self.pki = Authorities(self.work / "pki")
        self.api = Api(ADDRESS, PORT, self.pki.path("ca.crt"), self.pki.path("admin.crt"),
                       self.pki.path("admin.key"))
        for user in ("admin", "controller-manager"):
            self.write_kubeconfig(user)

    def write_kubeconfig(self, user):
        (self.work / f"{user}.kubeconfig").write_text(
            "apiVersion: v1\nkind: Config\ncurrent-context: c\n"
            f"clusters: [{{name: c, cluster: {{server: 'https://{ADDRESS}:{PORT}', "
            f"certificate-authority: '{self.pki.path('ca.crt')}'}}}}]\n"
            f"users: [{{name: u, user: {{client-certificate: '{self.pki.path(user + '.crt')}', "
            f"client-key: '{self.pki.path(user + '.key')}'}}}}]\n"
            "contexts: [{name: c, context: {cluster: c, user: u}}]\n")

    def start(self):
        self.start_etcd()
        self.start_api_server()
        self.start_controllers()
        self.start_kwok()
        wait_until(lambda: self.api.find("ServiceAccount", "default", "default"), 60, "a service account")
        return self

    def run(self, name, *arguments):
        log = open(self.log / f"{name}.log", "ab")
        self.processes[name] = subprocess.Popen(
            [str(self.bin / name), *arguments], cwd=self.work, stdout=log, stderr=log,
            stdin=subprocess.DEVNULL)

    def start_etcd(self):
        self.run("etcd", "--data-dir=etcd", "--unsafe-no-fsync", "--log-level=warn",
                 f"--listen-client-urls=http://{ADDRESS}:2379",
                 f"--advertise-client-urls=http://{ADDRESS}:2379",
                 f"--listen-peer-urls=http://{ADDRESS}:2380",
                 f"--initial-advertise-peer-urls=http://{ADDRESS}:2380",
                 f"--initial-cluster=default=http://{ADDRESS}:2380")

    def start_api_server(self, port=PORT):
        """On another port it is there for the tests alone: pods do not know of it."""
        pki = self.pki.path
        self.api.port = port
        self.run("kube-apiserver", f"--etcd-servers=http://{ADDRESS}:2379", f"--bind-address={ADDRESS}",
                 f"--advertise-address={ADDRESS}", f"--secure-port={port}",
                 f"--service-cluster-ip-range={SERVICES}", "--authorization-mode=RBAC",
                 f"--client-ca-file={pki('ca.crt')}", f"--tls-cert-file={pki('apiserver.crt')}",
                 f"--tls-private-key-file={pki('apiserver.key')}",
                 "--service-account-issuer=https://kubernetes.default.svc",
                 f"--service-account-key-file={pki('sa.pub')}",
                 f"--service-account-signing-key-file={pki('sa.key')}",
                 f"--requestheader-client-ca-file={pki('front-proxy-ca.crt')}",
                 "--requestheader-allowed-names=front-proxy-client",
                 "--requestheader-username-headers=X-Remote-User",
                 "--requestheader-uid-headers=X-Remote-Uid",
                 "--requestheader-group-headers=X-Remote-Group",
                 "--requestheader-extra-headers-prefix=X-Remote-Extra-",
                 f"--proxy-client-cert-file={pki('front-proxy-client.crt')}",
                 f"--proxy-client-key-file={pki('front-proxy-client.key')}",
                 "--enable-aggregator-routing=true",
                 # A request that a stopped replica never answers ends after these, not after 60 s.
                 "--request-timeout=10s",
                 *([] if port == PORT else ["--endpoint-reconciler-type=none"]))
        wait_until(lambda: self.api.request("GET", "/readyz", timeout=5) == "ok", 120, "the API server")

    def start_controllers(self):
        config = f"--kubeconfig={self.work}/controller-manager.kubeconfig"
        self.run("kube-controller-manager", config, config.replace("--", "--authentication-", 1),
                 config.replace("--", "--authorization-", 1), f"--bind-address={ADDRESS}",
                 "--cert-dir=controllers", "--leader-elect=false", "--use-service-account-credentials=true",
                 f"--service-account-private-key-file={self.pki.path('sa.key')}",
                 f"--root-ca-file={self.pki.path('ca.crt')}",
                 f"--horizontal-pod-autoscaler-sync-period={self.hpa_sync}",
                 "--controllers=" + ",".join(f"{each}-controller" for each in CONTROLLERS))

    def start_kwok(self):
        self.run("kwok", f"--kubeconfig={self.work}/admin.kubeconfig", f"--config={HERE}/kwok.yaml",
                 "--manage-nodes-with-label-selector=type=kwok", f"--cidr={KWOK_PODS}",
                 f"--node-ip={KWOK_ADDRESS}", f"--server-address={ADDRESS}:10247")

    def kubectl(self, *arguments, text=None, timeout=60):
        """Its standard output; what it complains of when it fails is the error's text."""
        done = subprocess.run([str(self.bin / "kubectl"), f"--kubeconfig={self.work}/admin.kubeconfig",
                               f"--server=https://{ADDRESS}:{self.api.port}", *arguments],
                              input=text, text=True, capture_output=True, check=False, timeout=timeout)
        if done.returncode != 0:
            raise AssertionError(f"kubectl {' '.join(arguments)}: {done.stderr}{done.stdout}")
        return done.stdout

    def kill(self, name):
        process = self.processes.pop(name)
        process.kill()
        process.wait()

    def etcd(self, path, body):
        request = urllib.request.Request(f"http://{ADDRESS}:2379/v3/kv/{path}", json.dumps(body).encode())
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read())

    def compact(self):
        """Of all objects nothing but what they are now is known any more."""
        revision = self.etcd("range", {"key": base64.b64encode(b"any").decode()})["header"]["revision"]
        self.etcd("compaction", {"revision": revision, "physical": True})

    def autoscaler_syncs(self):
        """How often the controller has looked at an autoscaler, all of them together, since its start."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.load_cert_chain(self.pki.path("admin.crt"), self.pki.path("admin.key"))
        with urllib.request.urlopen(f"https://{ADDRESS}:10257/metrics", timeout=10, context=context) as answer:
            return sum(float(line.rsplit(b" ", 1)[1]) for line in answer
                       if line.startswith(b"horizontal_pod_autoscaler_controller_reconciliations_total"))

    def log_text(self, name):
        return (self.log / f"{name}.log").read_text(errors="replace")

    def stop(self):
        """Nothing is kept: there is no order to shut down in."""
        for process in self.processes.values():
            process.kill()
        for process in self.processes.values():
            process.wait()
        self.processes.clear()


if __name__ == "__main__":
    print(programs())
