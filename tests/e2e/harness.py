"""The jobs service with the real binaries, on free loopback ports, in a temporary folder."""

import http.client
import json
import os
import signal
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "shared"))
from waiting import connects, free_port, wait_until

BIN = Path(os.environ["GATEWAY_BIN"])
ROOT = Path(__file__).resolve().parents[2]
ADMIN_TOKEN = "e2e-admin-token"
JOBS = b"Jobs:\nTitle: Devops\nDescription: Awesome\n"

CONFIG = """\
version: 1
process: {{workers: 2, drain: {{delay: {drain_delay}, deadline: 10s}}}}
admin: {{address: "127.0.0.1:{admin}", token: {{file: {folder}/admin-token}}}}
access_log: {{path: {folder}/access.log}}
listeners:
  - name: https
    address: 127.0.0.1:{https}
    tls: {{certificates: [{{folder: {folder}/tls}}]}}
  - {{name: http, address: "127.0.0.1:{http}"}}
upstreams:
  - name: app-a
    endpoints: [{app_a}]
    balancer: {{type: {balancer}}}
    timeouts: {{connect: 1s, request: 10s}}
  - name: app-b
    private: true
    endpoints: ["127.0.0.1:{app_b}"]
filters: [{{type: request_id}}{global_filters}]
routes:
  - {{name: hello, match: {{path: /hello}}, forward: app-a}}
  - name: jobs
    match: {{path: /jobs}}
    filters: [{{type: token, upstream: app-b, allow_ttl: {allow_ttl}, stale_ttl: {stale_ttl}}}]
    forward: app-a
{more_routes}"""


class System:
    """Starts in `with`, leaves nothing behind."""

    def __init__(self, **settings):
        self._folder = tempfile.TemporaryDirectory(prefix="gateway-e2e-")
        self.folder = Path(self._folder.name)
        self.processes = {}
        self.app_a_ports = [free_port() for _ in range(3)]
        self.settings = {
            "folder": self.folder,
            "drain_delay": "0s",
            "balancer": "round_robin",
            "allow_ttl": "60s",
            "stale_ttl": "0s",
            "global_filters": "",
            "more_routes": "",
            "https": free_port(),
            "http": free_port(),
            "admin": free_port(),
            "app_b": free_port(),
            "app_a": ", ".join(f'"127.0.0.1:{port}"' for port in self.app_a_ports),
            **settings,
        }

    def __enter__(self):
        (self.folder / "admin-token").write_text(ADMIN_TOKEN + "\n")
        self.make_certificate("server")
        self.write_config()
        self.start_app_b()
        for port in self.app_a_ports:
            self.start_app_a(port)
        self.start_gateway()
        return self

    def __exit__(self, *_):
        for process in self.processes.values():
            if process.poll() is None:
                process.kill()
            process.wait()
        self._folder.cleanup()

    def make_certificate(self, name, hosts=("localhost",)):
        folder = self.folder / "tls"
        folder.mkdir(exist_ok=True)
        key, certificate = folder / f"{name}.key.new", folder / f"{name}.crt.new"
        names = ",".join(f"DNS:{host}" for host in hosts)
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-days", "2", "-subj", f"/CN={name}", "-addext", f"subjectAltName={names}",
             "-keyout", key, "-out", certificate], check=True, capture_output=True)
        os.replace(key, folder / f"{name}.key")
        os.replace(certificate, folder / f"{name}.crt")

    def write_config(self, text=None):
        text = CONFIG.format(**self.settings) if text is None else text
        new = self.folder / "gateway.yaml.new"
        new.write_text(text)
        os.replace(new, self.folder / "gateway.yaml")

    def start(self, name, *command):
        log = open(self.folder / f"{name}.log", "ab")
        self.processes[name] = subprocess.Popen(command, stdout=log, stderr=log)
        return self.processes[name]

    def start_app_a(self, port):
        self.start(f"app_a-{port}", BIN / "app_a", "--listen", f"127.0.0.1:{port}",
                   "--drain-delay-ms", "0")
        wait_until(lambda: connects(port), f"app_a on {port}")

    def start_app_b(self):
        self.start("app_b", BIN / "app_b", "--listen", f"127.0.0.1:{self.settings['app_b']}",
                   "--database", self.folder / "app_b.sqlite", "--seed-development")
        wait_until(lambda: connects(self.settings["app_b"]), "app_b")

    def start_gateway(self):
        self.start("gateway", BIN / "gateway", "--config", self.folder / "gateway.yaml")
        wait_until(self.ready, "the gateway is ready")

    def kill(self, name):
        process = self.processes.pop(name)
        process.send_signal(signal.SIGKILL)
        process.wait()

    def log(self, name):
        return (self.folder / f"{name}.log").read_text(errors="replace")

    def ready(self):
        assert self.processes["gateway"].poll() is None, self.log("gateway")
        try:
            return self.admin("/readyz")[0] == 200
        except OSError:
            return False

    def admin(self, path, method="GET", token=ADMIN_TOKEN):
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.settings['admin']}{path}", method=method,
            headers={"Authorization": f"Bearer {token}"})
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def reload(self):
        status, body = self.admin("/reload", "POST")
        return status == 200, json.loads(body)

    def metric(self, name):
        total = 0.0
        for line in self.admin("/metrics")[1].splitlines():
            if line.startswith(name) and line[len(name)] in " {":
                total += float(line.rsplit(" ", 1)[1])
        return total

    def resident_kib(self):
        status = Path(f"/proc/{self.processes['gateway'].pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0])

    def connection(self, tls=False):
        if not tls:
            return http.client.HTTPConnection("127.0.0.1", self.settings["http"], timeout=20)
        context = ssl._create_unverified_context()
        return http.client.HTTPSConnection("127.0.0.1", self.settings["https"], timeout=20,
                                           context=context)

    def get(self, path, method="GET", headers=None, tls=False, body=None):
        connection = self.connection(tls)
        try:
            connection.request(method, path, body=body, headers=headers or {})
            response = connection.getresponse()
            return response.status, response.read(), dict(response.getheaders())
        finally:
            connection.close()


class Load(threading.Thread):
    """One client on a kept connection, in a loop until stopped. A server may close a kept connection
    after an answer; closing it in any other way is a failure."""

    def __init__(self, system, method="GET", path="/hello", headers=None, tls=False,
                 expected=(200,), may_dial=lambda: True):
        super().__init__(daemon=True)
        self.system, self.method, self.path, self.tls = system, method, path, tls
        self.headers, self.expected, self.may_dial = headers or {}, expected, may_dial
        self.done, self.failures, self.statuses = 0, [], {}
        self._stop_asked = threading.Event()

    def run(self):
        connection = None
        while not self._stop_asked.is_set():
            if connection is None:
                if not self.may_dial():
                    return
                connection = self.system.connection(self.tls)
            try:
                connection.request(self.method, self.path, headers=self.headers)
                response = connection.getresponse()
                body = response.read()
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(f"{self.method} {self.path}: {error!r}")
                connection.close()
                connection = None
                continue
            self.done += 1
            self.statuses[response.status] = self.statuses.get(response.status, 0) + 1
            if response.status not in self.expected:
                self.failures.append(f"{self.method} {self.path}: {response.status} {body[:80]!r}")
            if response.will_close:
                connection.close()
                connection = None
        if connection is not None:
            connection.close()

    def stop(self):
        self._stop_asked.set()
        self.join(30)
        assert not self.is_alive(), "a client hangs"
        return self


def run_tests(tests):
    for test in tests:
        began = time.monotonic()
        test()
        print(f"ok {test.__name__} ({time.monotonic() - began:.1f} s)", flush=True)
