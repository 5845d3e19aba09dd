"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import time
from pathlib import Path


def cores() -> tuple[set[int], set[int]]:
    """(proxy's core, everybody else's cores). On a single core they are the same."""
    mine = sorted(os.sched_getaffinity(0))
    return {mine[0]}, set(mine[1:]) or {mine[0]}


def describe() -> dict[str, str]:
    return {
        "processor": _processor(),
        "cores": str(len(os.sched_getaffinity(0))),
        "kernel": platform.release(),
        "system": _os_name(),
        "openssl": first_line(["openssl", "version"]),
    }


def busy_cores(seconds: float = 1.0) -> float:
    """How many cores worth of work anybody does, while we do nothing; another guest's share counts."""
    first, start = _busy_ticks(), time.monotonic()
    time.sleep(seconds)
    ticks = (_busy_ticks() - first) / os.sysconf("SC_CLK_TCK")
    return ticks / (time.monotonic() - start)


def wait_until_quiet(seconds: float, limit: float = 0.1) -> float:
    """Waits at most so long for a quiet machine; returns how many cores were busy at the end."""
    end = time.monotonic() + seconds
    while True:
        busy = busy_cores()
        if busy <= limit or time.monotonic() >= end:
            return busy


def parse_busy_ticks(text: str) -> int:
    """All but idle and waiting for a disk, from the first line of /proc/stat; guests are in user."""
    user, nice, system, _idle, _wait, irq, softirq, steal = map(int, text.split()[1:9])
    return user + nice + system + irq + softirq + steal


def _busy_ticks() -> int:
    return parse_busy_ticks(Path("/proc/stat").read_text())


def first_line(command: list[str]) -> str:
    """The first line that a program prints, "" if it cannot run."""
    if not shutil.which(command[0]):
        return ""
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    lines = (done.stdout + done.stderr).strip().splitlines()
    return lines[0].strip() if lines else ""


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def _os_name() -> str:
    for line in Path("/etc/os-release").read_text().splitlines():
        if line.startswith("PRETTY_NAME="):
            return line.split("=", 1)[1].strip('"')
    return platform.system()
