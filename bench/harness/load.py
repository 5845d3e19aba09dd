"""The load generators and what their output says."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from .process import run_bounded


@dataclass
class Load:
    requests: int
    failed: int
    seconds: float
    bytes: int = 0


class LoadError(Exception):
    """The load did not come through as it should."""


def parse_wrk(text: str) -> Load:
    total = re.search(r"(\d+) requests in ([\d.]+)(ms|s|m)\b", text)
    if not total:
        raise LoadError(f"wrk said: {text[-400:]}")
    seconds = float(total[2]) * {"ms": 0.001, "s": 1, "m": 60}[total[3]]
    failed = 0
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    if refused:
        failed += int(refused[1])
    errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", text)
    if errors:
        failed += sum(int(number) for number in errors.groups())
    return Load(int(total[1]), failed, seconds)


def parse_h2load(text: str) -> Load:
    counts = re.search(r"requests: (\d+) total, .* (\d+) succeeded, (\d+) failed", text)
    codes = re.search(r"status codes: (\d+) 2xx", text)
    took = re.search(r"finished in ([\d.]+)(us|ms|s|m)\b", text)
    if not counts or not codes or not took:
        raise LoadError(f"h2load said: {text[-400:]}")
    seconds = float(took[1]) * {"us": 1e-6, "ms": 0.001, "s": 1, "m": 60}[took[2]]
    return Load(int(counts[1]), int(counts[1]) - int(codes[1]), seconds)


def parse_own(text: str) -> dict:
    """The last line of our own clients is one JSON object."""
    try:
        return json.loads(text.strip().splitlines()[-1])
    except (IndexError, ValueError) as error:
        raise LoadError(f"a client said: {text[-400:]}") from error


class Generators:
    """Every client runs on the cores that the proxy does not have."""

    def __init__(self, programs: Path, cores: set[int]):
        self.programs = programs
        self.cores = cores

    def wrk(self, port: int, seconds: float, connections: int, header: str = "",
            script: Path | None = None, scheme: str = "https") -> Load:
        command = ["wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s"]
        if header:
            command += ["-H", header]
        if script:
            command += ["-s", str(script)]
        command.append(f"{scheme}://localhost:{port}/jobs")
        return _sound(parse_wrk(run_bounded(command, seconds + 30, self.cores)))

    def h2load(self, port: int, requests: int, connections: int, header: str = "",
               scheme: str = "https", seconds: float = 300) -> Load:
        command = ["h2load", "--h1", "-t1", f"-n{requests}", f"-c{connections}"]
        if header:
            command += ["-H", header]
        command.append(f"{scheme}://localhost:{port}/jobs")
        return _sound(parse_h2load(run_bounded(command, seconds, self.cores)))

    def handshakes(self, port: int, seconds: float, connections: int = 8) -> Load:
        answer = self._own("bench_handshake", seconds + 30, port=port, seconds=seconds,
                           connections=connections)
        if answer["resumed"]:
            raise LoadError("a handshake was resumed: it was not a full one")
        return _sound(Load(answer["requests"], answer["failed"], answer["seconds"]))

    def bulk(self, port: int, seconds: float, direction: str) -> Load:
        answer = self._own("bench_bulk", seconds + 60, port=port, seconds=seconds,
                           direction=direction)
        return _sound(Load(answer["requests"], answer["failed"], answer["seconds"],
                           answer["bytes"]))

    def latency(self, port: int, seconds: float, rate: float, seed: int) -> dict:
        answer = self._own("bench_openloop", seconds + 60, port=port, seconds=seconds, rate=rate,
                           seed=seed)
        if answer["failed"]:
            raise LoadError(f"{answer['failed']} requests failed")
        return answer

    def _own(self, program: str, limit: float, **options) -> dict:
        command = [str(self.programs / program)]
        for name, value in options.items():
            command += [f"--{name}", str(value)]
        return parse_own(run_bounded(command, limit, self.cores))


def _sound(load: Load) -> Load:
    """A figure counts only if the answers were right: 1 in 1,000 may be lost when the clock stops."""
    if load.requests == 0 or load.failed > load.requests / 1000:
        raise LoadError(f"{load.failed} of {load.requests} requests failed")
    return load
