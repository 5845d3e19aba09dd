"""A stage: the backend and the contestants of one row, running side by side on one machine."""

from __future__ import annotations

import functools
import shutil
import signal
import ssl
import subprocess
import time
import urllib.request
from pathlib import Path

from . import machine
from .contestants import CONFIGS, Contestant, render
from .counts import callgrind
from .load import Generators
from .process import Process, StartError, free_ports

ANSWER = b"Jobs:\nTitle: Devops\nDescription: Awesome\n"


class Stage:
    """Use as a context: leaving it stops every process and removes the run's directory."""

    def __init__(self, programs: Path, scratch: Path):
        self.programs = programs
        self.scratch = scratch
        self.proxy_cores, self.load_cores = machine.cores()
        self.load = Generators(programs, self.load_cores)
        self.running: list[Process] = []
        self.started = 0

    def __enter__(self) -> "Stage":
        shutil.rmtree(self.scratch, ignore_errors=True)
        self.scratch.mkdir(parents=True)
        make_certificate(self.scratch)
        self.backend_port, self.sink_port = free_ports(2)
        backend = self._keep(Process(
            "backend", [str(self.programs / "bench_backend"), "--port", str(self.backend_port),
                        "--sink", str(self.sink_port)],
            self.scratch / "backend.log", self.load_cores))
        backend.wait_for_port(self.backend_port, 5)
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.running:
            process.tell(signal.SIGTERM)
        for process in reversed(self.running):
            process.stop(1)  # what it still had to say does not count any more
        shutil.rmtree(self.scratch, ignore_errors=True)

    def start(self, contestant: Contestant, purpose: str = "forward", threads: int = 1,
              pinned: bool = True, under_callgrind: bool = False, files: dict[str, str] | None = None,
              template: Path | None = None) -> "Running":
        """Renders its configuration, starts it, and asks it for one answer, which must be right."""
        self.started += 1
        folder = self.scratch / f"{self.started}-{contestant.name.replace(' ', '-')}"
        folder.mkdir()
        port, admin = free_ports(2)
        values = {
            "port": str(port), "admin": str(admin), "backend": str(self.backend_port),
            "sink": str(self.sink_port), "dir": str(folder), "threads": str(threads),
            "cert": str(self.scratch / "cert.pem"), "key": str(self.scratch / "key.pem"),
            "pem": str(self.scratch / "both.pem"), "binary": contestant.binary,
            "reuseport": " reuseport" if threads > 1 else "",
            "config": str(folder / f"config.{contestant.kind.suffix}"),
        }
        (folder / "tokens.map").write_text("mytoken density\n")
        for name, text in (files or {}).items():
            (folder / name).write_text(text)
        template = template or contestant.template(purpose)
        if template:
            Path(values["config"]).write_text(render(template.read_text(), values))
        for name, source in contestant.kind.extra_files.items():
            (folder / name).write_text(render((CONFIGS / source).read_text(), values))
        command = [part.format(**values) for part in contestant.kind.command]
        process = self._keep(Process(
            contestant.name, callgrind(command, folder) if under_callgrind else command,
            folder / "log", self.proxy_cores if pinned else None,
            _environment(contestant, threads, folder)))
        running = Running(contestant, process, port, admin, folder, values)
        process.wait_for_port(port, 180 if under_callgrind else 20)
        if not under_callgrind:
            running.ask_once()
        return running

    def stop(self, running: "Running") -> None:
        running.process.stop(2)
        self.running.remove(running.process)

    def _keep(self, process: Process) -> Process:
        self.running.append(process)
        return process


class Running:
    """A started contestant."""

    def __init__(self, contestant: Contestant, process: Process, port: int, admin: int,
                 folder: Path, values: dict[str, str]):
        self.contestant = contestant
        self.process = process
        self.port = port
        self.admin = admin
        self.folder = folder
        self.values = values

    @property
    def name(self) -> str:
        return self.contestant.name

    @property
    def scheme(self) -> str:
        return "http" if self.contestant.kind.name == "floor F0" else "https"

    def ask_once(self, seconds: float = 10) -> None:
        """The right answer within the time; some open their port before they can serve."""
        end = time.monotonic() + seconds
        while True:
            try:
                body = self.fetch("/jobs")
                break
            except OSError as error:
                if time.monotonic() > end or self.process.popen.poll() is not None:
                    raise StartError(
                        f"{self.name} gave no answer: {error}; {self.process.tail()}") from None
                time.sleep(0.1)
        if body != ANSWER:
            raise StartError(f"{self.name} answered {body[:80]!r}")

    def fetch(self, path: str) -> bytes:
        request = urllib.request.Request(f"{self.scheme}://localhost:{self.port}{path}",
                                         headers={"Authorization": "mytoken"})
        with urllib.request.urlopen(request, timeout=10, context=unverified()) as answer:
            return answer.read()


@functools.cache
def unverified() -> ssl.SSLContext:
    """The certificate is made for the run alone; nobody could have signed it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def make_certificate(folder: Path) -> None:
    """One ECDSA P-256 certificate for every contestant."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
         "-days", "30", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
         "-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")],
        check=True, capture_output=True)
    both = (folder / "cert.pem").read_text() + (folder / "key.pem").read_text()
    (folder / "both.pem").write_text(both)


def _environment(contestant: Contestant, threads: int, folder: Path) -> dict[str, str]:
    environment = {"GOMAXPROCS": str(threads)} if contestant.level == "tuned" else {}
    environment["XDG_DATA_HOME"] = environment["XDG_CONFIG_HOME"] = str(folder)
    if contestant.kind.openssl and contestant.level == "tuned":
        environment["OPENSSL_CONF"] = str(CONFIGS / "openssl-tuned.cnf")
    return environment
