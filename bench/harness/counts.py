"""Counts that no noise reaches: system calls and user instructions per request.

Both are differences of two runs that differ in the number of requests alone, so start-up, handshakes
and shut-down cancel out.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from pathlib import Path

from .process import Process


def parse_strace(text: str) -> dict[str, int]:
    """Calls by name from `strace -c`; the total line is left out."""
    calls: dict[str, int] = {}
    for line in text.splitlines():
        row = re.match(r"\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)(?:\s+\d+)?\s+(\w+)$", line)
        if row and row[2] != "total":
            calls[row[2]] = calls.get(row[2], 0) + int(row[1])
    return calls


class CallCounter:
    """strace -c on a running process tree, from construction to stop()."""

    def __init__(self, process: Process, cores: set[int]):
        self.out = process.log.parent / "strace.txt"
        self.out.unlink(missing_ok=True)
        command = ["strace", "-f", "-c", "-o", str(self.out)]
        for pid in process.pids():
            command += ["-p", str(pid)]
        self.popen = subprocess.Popen(command, stderr=subprocess.PIPE, text=True,
                                      start_new_session=True,
                                      preexec_fn=lambda: os.sched_setaffinity(0, cores))
        _wait_traced(process, self.popen)

    def stop(self) -> dict[str, int]:
        self.popen.send_signal(signal.SIGINT)
        self.popen.communicate(timeout=30)
        return parse_strace(self.out.read_text())


def _wait_traced(process: Process, strace: subprocess.Popen) -> None:
    end = time.monotonic() + 10
    while time.monotonic() < end and strace.poll() is None:
        traced = all(f"TracerPid:\t{strace.pid}\n" in Path(f"/proc/{pid}/status").read_text()
                     for pid in process.pids())
        if traced:
            return
        time.sleep(0.02)
    raise RuntimeError(f"strace does not trace {process.name}")


def callgrind(command: list[str], out: Path) -> list[str]:
    """The command under callgrind, one output file per process in `out`."""
    return ["valgrind", "--tool=callgrind", "--trace-children=yes", "--child-silent-after-fork=yes",
            f"--callgrind-out-file={out}/callgrind.%p", *command]


def parse_callgrind(text: str) -> int:
    """Instructions of one output file."""
    total = re.search(r"^(?:totals|summary): (\d+)", text, re.MULTILINE)
    if not total:
        raise ValueError("no totals in a callgrind file")
    return int(total[1])


def instructions(out: Path) -> int:
    """Instructions of all processes that wrote to `out`."""
    texts = [file.read_text(errors="replace") for file in out.glob("callgrind.*")]
    if not texts:
        raise ValueError("callgrind wrote nothing")
    return sum(parse_callgrind(text) for text in texts)
