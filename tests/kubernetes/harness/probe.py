"""Probes and hooks, asked from the node's side as a kubelet asks them."""
import http.client
import socket
import ssl
import subprocess
import time


def port_of(container, port):
    if isinstance(port, int):
        return port
    return next(each["containerPort"] for each in container.spec["ports"] if each.get("name") == port)


def enter(container, command, timeout):
    """Runs a command beside the container's process, in its network and files."""
    return subprocess.run(["nsenter", f"--target={container.process.pid}", "--net", "--mount", "--root", "--wd",
                           "--", *command], capture_output=True, timeout=timeout, check=False).returncode == 0


def ask(container, wanted, timeout):
    address = container.pod.network.address
    if "httpGet" in wanted:
        return ask_http(address, port_of(container, wanted["httpGet"]["port"]), wanted["httpGet"], timeout)
    if "tcpSocket" in wanted:
        with socket.create_connection((address, port_of(container, wanted["tcpSocket"]["port"])), timeout):
            return True
    return enter(container, wanted["exec"]["command"], timeout)


def ask_http(address, port, wanted, timeout):
    if wanted.get("scheme", "HTTP") == "HTTPS":
        # A kubelet does not verify either.
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        connection = http.client.HTTPSConnection(address, port, timeout=timeout, context=context)
    else:
        connection = http.client.HTTPConnection(address, port, timeout=timeout)
    try:
        headers = {each["name"]: each["value"] for each in wanted.get("httpHeaders", [])}
        connection.request("GET", wanted.get("path", "/"), headers={"User-Agent": "kube-probe/1.37", **headers})
        return 200 <= connection.getresponse().status < 400
    finally:
        connection.close()


def act(container, hook, seconds):
    """A preStop hook; one that fails delays nothing."""
    try:
        if "sleep" in hook:
            time.sleep(min(hook["sleep"]["seconds"], seconds))  # what the manifest asks for
        else:
            ask(container, hook, seconds)
    except (OSError, subprocess.TimeoutExpired, http.client.HTTPException):
        pass


class Probe:
    KINDS = ("startupProbe", "livenessProbe", "readinessProbe")

    def __init__(self, container, kind):
        self.container, self.kind = container, kind
        self.wanted = container.spec[kind]
        self.begin()

    def begin(self):
        self.due = time.monotonic() + self.wanted.get("initialDelaySeconds", 0)
        self.passed = self.failed = 0

    def look(self):
        """Asks when it is time, and does what the answer asks for."""
        container = self.container
        if time.monotonic() < self.due or container.process.poll() is not None:
            return
        if self.kind != "startupProbe" and self.starting():
            return
        if self.kind == "startupProbe" and self.passed:
            return
        self.due = time.monotonic() + self.wanted.get("periodSeconds", 10)
        try:
            good = ask(container, self.wanted, self.wanted.get("timeoutSeconds", 1))
        except (OSError, subprocess.TimeoutExpired, http.client.HTTPException):
            good = False
        self.passed, self.failed = (self.passed + 1, 0) if good else (0, self.failed + 1)
        self.conclude()

    def starting(self):
        return any(each.kind == "startupProbe" and not each.passed for each in self.container.probes)

    def conclude(self):
        if self.kind == "readinessProbe":
            if self.passed >= self.wanted.get("successThreshold", 1):
                self.container.ready = True
            elif self.failed >= self.wanted.get("failureThreshold", 3):
                self.container.ready = False
        elif self.failed >= self.wanted.get("failureThreshold", 3):
            self.container.process.terminate()
            self.failed = 0
