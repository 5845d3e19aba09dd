"""Processes of ours: started in their own session, pinned, measured, stopped by their process group."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from pathlib import Path


class StartError(Exception):
    """A program did not start; the text says which and shows the end of its log."""


class Process:
    def __init__(self, name: str, command: list[str], log: Path, cores: set[int] | None = None,
                 environment: dict[str, str] | None = None, nice: int = 0):
        self.name = name
        self.log = log
        with log.open("wb") as out:
            self.popen = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=log.parent,
                start_new_session=True, env={**os.environ, **(environment or {})},
                preexec_fn=lambda: _settle(cores, nice))
        self.pid = self.popen.pid

    def wait_for_port(self, port: int, seconds: float) -> None:
        """Returns once somebody accepts on the port; raises StartError if this process ended."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.popen.poll() is not None:
                raise StartError(f"{self.name} ended with {self.popen.returncode}: {self.tail()}")
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return
            except OSError:
                time.sleep(0.02)
        raise StartError(f"{self.name} does not listen on {port} after {seconds} s: {self.tail()}")

    def tail(self) -> str:
        return self.log.read_text(errors="replace")[-600:].strip()

    def pids(self) -> list[int]:
        """This process and its descendants."""
        found = [self.pid]
        for pid in found:
            for task in _tasks(pid):
                found += [int(child) for child in _read(f"{task}/children").split()]
        return found

    def cpu_ns(self) -> int:
        """Time on a core of every live thread, user and kernel, from the scheduler's own count."""
        return sum(int(_read(f"{task}/schedstat").split()[0] or 0)
                   for pid in self.pids() for task in _tasks(pid) if _read(f"{task}/schedstat"))

    def resident_kib(self) -> int:
        total = 0
        for pid in self.pids():
            for line in _read(f"/proc/{pid}/status").splitlines():
                if line.startswith("VmRSS:"):
                    total += int(line.split()[1])
        return total

    def tell(self, number: int) -> None:
        if self.popen.poll() is None:
            os.kill(self.pid, number)

    def stop(self, seconds: float = 5, number: int = signal.SIGTERM) -> None:
        """A signal to end, then SIGKILL for the group: nothing of it survives.

        Helpers that end when the first process has ended are given the rest of the time."""
        end = time.monotonic() + seconds
        self.tell(number)
        try:
            self.popen.wait(seconds)
            while time.monotonic() < end and self._group_lives():
                time.sleep(0.02)
        except subprocess.TimeoutExpired:
            pass
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.popen.wait()

    def _group_lives(self) -> bool:
        try:
            os.killpg(self.pid, 0)
        except ProcessLookupError:
            return False
        return True


def run_bounded(command: list[str], seconds: float, cores: set[int] | None = None, nice: int = 0,
                environment: dict[str, str] | None = None) -> str:
    """Runs to its end in its own session and returns its stdout; a late one is killed."""
    popen = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        start_new_session=True, text=True, env={**os.environ, **(environment or {})},
        preexec_fn=lambda: _settle(cores, nice))
    try:
        out, _ = popen.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(popen.pid, signal.SIGKILL)
        popen.communicate()
        raise StartError(f"{command[0]} did not end within {seconds} s") from None
    if popen.returncode != 0:
        raise StartError(f"{' '.join(command)} ended with {popen.returncode}: {out[-600:]}")
    return out


def free_ports(count: int) -> list[int]:
    """Ports that nobody used a moment ago, all different."""
    sockets = [socket.socket() for _ in range(count)]
    for sock in sockets:
        sock.bind(("127.0.0.1", 0))
    ports = [sock.getsockname()[1] for sock in sockets]
    for sock in sockets:
        sock.close()
    return ports


def _settle(cores: set[int] | None, nice: int) -> None:
    if cores:
        os.sched_setaffinity(0, cores)
    if nice:
        os.nice(nice)


def _tasks(pid: int) -> list[str]:
    try:
        return [f"/proc/{pid}/task/{task}" for task in os.listdir(f"/proc/{pid}/task")]
    except OSError:
        return []


def _read(path: str) -> str:
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.read()
    except OSError:
        return ""
