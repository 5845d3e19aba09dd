"""A gateway that serves a cluster of 5,000 Ingresses: the objects, and what one change of them takes
from the API server's word to the answers of every worker."""

from __future__ import annotations

import base64
import http.client
import json
import re
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from .bench import Bench, say
from .process import Process, StartError, free_ports

ROOT = Path(__file__).resolve().parents[2]
INGRESSES = "/apis/networking.k8s.io/v1/ingresses"
CLASSES = "/apis/networking.k8s.io/v1/ingressclasses"
SERVICES = "/api/v1/services"
SECRETS = "/api/v1/secrets"
SLICES = "/apis/discovery.k8s.io/v1/endpointslices"
CONNECTIONS = 8  # enough that no worker is without one, most likely
PATIENCE = 30
QUIET = 11

KUBECONFIG = """\
apiVersion: v1
kind: Config
current-context: one
contexts: [{name: one, context: {cluster: one, user: one}}]
clusters: [{name: one, cluster: {server: "http://127.0.0.1:%d"}}]
users: [{name: one, user: {}}]
"""
CONFIGURATION = """\
version: 1
process: {workers: 2, drain: {delay: 0s, deadline: 1s}}
listeners:
  - {name: http, address: "127.0.0.1:%d"}
  - {name: https, address: "127.0.0.1:%d", tls: {}}
filters: [{type: request_id}]
routes: []
"""


@dataclass(frozen=True)
class Size:
    """Ingress i has a host of its own, Service i % services, and certificate i % certificates. The
    numbers must divide one another."""
    ingresses: int = 5000
    services: int = 1000
    endpoints: int = 5  # of each Service
    certificates: int = 500
    namespaces: int = 50


class Certificates:
    """Any number of certificates with one key. They differ from one that openssl made by digits in their
    names alone, so that their signatures are wrong: a server does not look at its own."""

    def __init__(self, folder: Path):
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
             "-days", "30", "-subj", "/CN=round-0000", "-addext",
             "subjectAltName=DNS:*.team-0000.example", "-keyout", str(folder / "team.key"),
             "-out", str(folder / "team.crt")], check=True, capture_output=True)
        self.key = (folder / "team.key").read_bytes()
        text = re.sub("-----.*-----", "", (folder / "team.crt").read_text())
        self.der = base64.b64decode(text)

    def make(self, team: int, version: int) -> bytes:
        return self.der.replace(b"team-0000", b"team-%04d" % team).replace(b"round-0000",
                                                                          b"round-%04d" % version)


class Objects:
    def __init__(self, size: Size, certificates: Certificates, backends: list[int]):
        self.size, self.certificates, self.backends = size, certificates, backends

    def meta(self, name: str, i: int) -> dict:
        # Objects are as large as they are because of who owns which field.
        owned = {f"f:field-{n}": {".": {}, "f:value": {}} for n in range(12)}
        return {"namespace": f"namespace-{i % self.size.namespaces}", "name": name,
                "uid": f"6f1d2c3b-0000-4000-8000-{i:012}", "resourceVersion": "1", "generation": 1,
                "creationTimestamp": "2026-01-01T00:00:00Z",
                "managedFields": [{"manager": "kubectl", "operation": "Update", "fieldsType": "FieldsV1",
                                   "fieldsV1": owned}]}

    def host(self, i: int) -> str:
        return f"web-{i}.team-{i % self.size.certificates:04}.example"

    def ingress(self, i: int, path: str | None = None) -> dict:
        backend = {"service": {"name": f"service-{i % self.size.services}", "port": {"number": 80}}}
        paths = [{"path": each, "pathType": "Prefix", "backend": backend}
                 for each in ["/jobs", *([path] if path else [])]]
        meta = self.meta(f"web-{i}", i)
        meta["annotations"] = {"nginx.ingress.kubernetes.io/proxy-read-timeout": "30"}
        return {"metadata": meta, "spec": {
            "ingressClassName": "gateway", "rules": [{"host": self.host(i), "http": {"paths": paths}}],
            "tls": [{"hosts": [self.host(i)], "secretName": f"certificate-{i % self.size.certificates}"}]}}

    def service(self, i: int) -> dict:
        return {"metadata": self.meta(f"service-{i}", i), "spec": {
            "type": "ClusterIP", "clusterIP": f"10.255.{i // 250}.{1 + i % 250}",
            "ports": [{"name": "http", "port": 80, "targetPort": 8080, "protocol": "TCP"}]}}

    def slice(self, i: int, live: int | None = 0) -> dict:
        """With one endpoint at the backend `live`; with None, as many as there should be, and nobody there."""
        meta = self.meta(f"service-{i}-abcde", i)
        meta["labels"] = {"kubernetes.io/service-name": f"service-{i}"}
        port, pods = 8080, range(self.size.endpoints)
        addresses = [f"10.1.{i // 250 + pod * 8}.{1 + i % 250}" for pod in pods]
        if live is not None:
            port, addresses = self.backends[live], ["127.0.0.1"]
        return {"metadata": meta, "addressType": "IPv4", "ports": [{"name": "http", "port": port}],
                "endpoints": [{"addresses": [address], "targetRef": {"uid": f"pod-{i}-{n}"},
                               "conditions": {"ready": True, "serving": True, "terminating": False}}
                              for n, address in enumerate(addresses)]}

    def secret(self, i: int, version: int = 0) -> dict:
        text = base64.encodebytes(self.certificates.make(i, version)).decode()
        pem = f"-----BEGIN CERTIFICATE-----\n{text}-----END CERTIFICATE-----\n"
        data = {"tls.crt": pem.encode(), "tls.key": self.certificates.key}
        return {"metadata": self.meta(f"certificate-{i}", i), "type": "kubernetes.io/tls",
                "data": {key: base64.b64encode(value).decode() for key, value in data.items()}}

    def all(self) -> dict[str, list[dict]]:
        ours = {"metadata": {"name": "gateway", "uid": "class"},
                "spec": {"controller": "gateway.ingress/controller"}}
        size = self.size
        return {CLASSES: [ours],
                SERVICES: [self.service(i) for i in range(size.services)],
                SLICES: [self.slice(i, 0 if i < 2 else None) for i in range(size.services)],
                SECRETS: [self.secret(i) for i in range(size.certificates)],
                INGRESSES: [self.ingress(i) for i in range(size.ingresses)]}


@dataclass
class Asked:
    status: int
    backend: str | None


class Client:
    """A kept connection."""

    def __init__(self, port: int, host: str):
        self.port, self.host = port, host
        self.connection: http.client.HTTPSConnection | None = None

    def ask(self, path: str = "/jobs") -> Asked:
        if self.connection is None:
            self.connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=10,
                                                          context=_unverified())
            self.connection.sock = connect(self.port, self.host)
        self.connection.request("GET", path, headers={"Host": self.host})
        answer = self.connection.getresponse()
        answer.read()
        return Asked(answer.status, answer.headers.get("X-Backend"))

    def close(self) -> None:
        if self.connection is not None:
            self.connection.close()
        self.connection = None


def _unverified() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def connect(port: int, host: str) -> ssl.SSLSocket:
    plain = socket.create_connection(("127.0.0.1", port), 10)
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return _unverified().wrap_socket(plain, server_hostname=host)


class Load:
    """Requests to the Service whose endpoints change, over the Ingress that changes, while it is entered."""

    def __init__(self, port: int, host: str, width: int = 4, pause: float = 0.02):
        self.port, self.host, self.pause = port, host, pause
        self.answered = 0
        self.failures: list[str] = []
        self.ended = threading.Event()
        self.threads = [threading.Thread(target=self.run, daemon=True) for _ in range(width)]

    def __enter__(self) -> Load:
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        for thread in self.threads:
            thread.join(20)

    def run(self) -> None:
        client = Client(self.port, self.host)
        while not self.ended.wait(self.pause):
            try:
                asked = client.ask()
                self.answered += 1
                if asked.status != 200:
                    self.failures.append(str(asked.status))
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(repr(error))
                client.close()
        client.close()


class BigCluster:
    """API server and gateway; use as a context."""

    def __init__(self, gateway: Path, folder: Path, size: Size = Size()):
        self.folder, self.size = folder, size
        self.api_port, first, second, self.plain, self.port = free_ports(5)
        self.objects = Objects(size, Certificates(folder), [first, second])
        self.gateway_binary = gateway
        self.processes: list[Process] = []
        self.start_ms = 0.0

    def __enter__(self) -> BigCluster:
        try:
            self._start_api()
            self.start_gateway()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for process in reversed(self.processes):
            process.stop(3)

    def _start_api(self) -> None:
        _, first, second = self.api_port, *self.objects.backends
        api = Process("API server", [sys.executable, "-m", "bench.harness.cluster_api", str(self.api_port),
                                     str(first), str(second)], self.folder / "api.log",
                      environment={"PYTHONPATH": str(ROOT)})
        self.processes.append(api)
        api.wait_for_port(self.api_port, PATIENCE)
        for path, objects in self.objects.all().items():
            self.put(path, objects)

    def start_gateway(self) -> None:
        """Measures until an Ingress is served, which all are then."""
        (self.folder / "kubeconfig").write_text(KUBECONFIG % self.api_port)
        (self.folder / "gateway.yaml").write_text(CONFIGURATION % (self.plain, self.port))
        begin = time.monotonic()
        self.gateway = Process(
            "gateway", [str(self.gateway_binary), "--kubernetes", f"--kubeconfig={self.folder}/kubeconfig",
                        f"--config={self.folder}/gateway.yaml", "--shadow"], self.folder / "gateway.log")
        self.processes.append(self.gateway)
        client = Client(self.port, self.objects.host(1))
        self._until(lambda: client.ask().status == 200, "the first answer", client)
        self.start_ms = (time.monotonic() - begin) * 1000
        client.close()

    def put(self, path: str, objects: object) -> float:
        connection = http.client.HTTPConnection("127.0.0.1", self.api_port, timeout=60)
        connection.request("PUT", path, json.dumps(objects))
        at = json.loads(connection.getresponse().read())["at"]
        connection.close()
        return at

    def resident_mb(self) -> float:
        """When all has been quiet for as long as the gateway waits before it gives memory back."""
        time.sleep(QUIET)
        return self.gateway.resident_kib() * 1024 / 1e6

    def _until(self, done: Callable[[], bool], what: str, client: Client | None = None) -> None:
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if self.gateway.popen.poll() is not None:
                break
            try:
                if done():
                    return
            except (OSError, http.client.HTTPException):
                if client is not None:
                    client.close()
            time.sleep(0.001)
        raise StartError(f"{what} did not come: {self.gateway.tail()}")

    def _change(self, path: str, new: dict, live: list[Callable[[], bool]], what: str) -> float:
        """Milliseconds until all see it."""
        at = self.put(path, new)
        for sees in live:
            self._until(sees, what)
        return (time.monotonic() - at) * 1000

    def change_ingress(self, number: int, clients: list[Client]) -> float:
        """Ingress 0 gets another second path."""
        path = f"/round-{number}"
        return self._change(INGRESSES, self.objects.ingress(0, path),
                            [lambda c=c: c.ask(path).status == 200 and c.ask("/round-x").status == 404
                             for c in clients], "the new path")

    def change_endpoints(self, number: int, clients: list[Client]) -> float:
        """Service 0 is at the other backend."""
        now = number % 2
        return self._change(SLICES, self.objects.slice(0, now),
                            [lambda c=c: c.ask().backend == str(now) for c in clients], "the new endpoint")

    def change_certificate(self, number: int) -> float:
        """Certificate 0 is renewed. A connection may reach either worker: so many in a row must see it."""
        new = self.objects.certificates.make(0, number)

        def shown() -> bool:
            with connect(self.port, self.objects.host(0)) as connection:
                return connection.getpeercert(binary_form=True) == new

        return self._change(SECRETS, self.objects.secret(0, number), [shown] * CONNECTIONS,
                            "the new certificate")

    def measure(self, rounds: int, pause: float = 0.2) -> tuple[dict[str, list[float]], Load]:
        """Milliseconds of each change by kind, and the load that there was meanwhile."""
        figures: dict[str, list[float]] = {"ingress": [], "endpoints": [], "certificate": []}
        clients = [Client(self.port, self.objects.host(0)) for _ in range(CONNECTIONS)]
        with Load(self.port, self.objects.host(0)) as load:
            for number in range(1, rounds + 1):
                figures["ingress"].append(self.change_ingress(number, clients))
                time.sleep(pause)
                figures["endpoints"].append(self.change_endpoints(number, clients))
                time.sleep(pause)
                figures["certificate"].append(self.change_certificate(number))
                time.sleep(pause)
        for client in clients:
            client.close()
        return figures, load


def rows(bench: Bench) -> None:
    """One change of each kind among 5,000 Ingresses, under a load that must lose nothing; start and
    memory of the same cluster."""
    found = [each for each in bench.contestants if each.name == "gateway"]
    if not found:
        raise ValueError("there is no gateway")
    with tempfile.TemporaryDirectory() as folder, BigCluster(Path(found[0].binary), Path(folder)) as cluster:
        bench.record("cluster_start", {"gateway": [cluster.start_ms]})
        say(f"  start {cluster.start_ms:.0f} ms")
        figures, load = cluster.measure(3 * bench.rounds)
        failed = f"Meanwhile {len(load.failures)} of {load.answered:,} requests failed."
        for kind, times in figures.items():
            bench.record(f"cluster_{kind}", {"gateway": times}, note=failed)
            say(f"  {kind}: {median(times):.1f} ms")
        resident = cluster.resident_mb()
        bench.record("cluster_memory", {"gateway": [resident]}, note="With two workers, eleven seconds after those changes.")
        say(f"  {resident:.1f} MB; {failed}")
