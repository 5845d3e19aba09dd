"""How the rows that compare with peers are measured."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from .bench import TROUBLE, Bench, calls_per_request, cpu_per, say
from .contestants import COUNTED_PEERS, Contestant
from .counts import instructions
from .load import parse_own
from .process import run_bounded
from .stage import Running, Stage
from .stats import per_unit

TOKEN = "Authorization: mytoken"
CONNECTIONS = 32
# Enough that a proxy slowed down by strace always finds a batch: what remains is calls per request.
TRACED_CONNECTIONS = 64
COUNTED = ("gateway", "gateway+pgo", "floor F1", *COUNTED_PEERS)
COUNTED_PLAIN = (*COUNTED, "floor F0")


def starters(stage: Stage, contestants: list[Contestant], purpose: str = "forward",
             **options) -> dict[str, Callable[[], Running]]:
    return {c.name: (lambda c=c: stage.start(c, purpose, **options)) for c in contestants}


def small_cpu(bench: Bench) -> None:
    request_cpu(bench, "small_cpu", bench.all_levels(plain=True), "forward", "")


def policy_cpu(bench: Bench) -> None:
    request_cpu(bench, "policy_cpu", bench.tuned("policy"), "policy", TOKEN)


def request_cpu(bench: Bench, key: str, contestants: list[Contestant], purpose: str,
                header: str) -> None:
    with bench.stage() as stage:
        def measure(running: Running) -> list[float]:
            return [cpu_per(running, lambda: stage.load.wrk(
                running.port, bench.seconds, CONNECTIONS, header,
                scheme=running.scheme).requests)]

        tables, troubles = bench.interleave(stage, starters(stage, contestants, purpose), measure)
    bench.record(key, tables[0], troubles)


def small_calls(bench: Bench) -> None:
    request_calls(bench, "small_calls", "forward", "", COUNTED_PLAIN)


def policy_calls(bench: Bench) -> None:
    request_calls(bench, "policy_calls", "policy", TOKEN, COUNTED)


def request_calls(bench: Bench, key: str, purpose: str, header: str,
                  names: tuple[str, ...]) -> None:
    counts = (2000, 6000) if bench.quick else (2000, 12000)
    with bench.stage() as stage:
        tables, troubles = bench.interleave(
            stage, starters(stage, bench.tuned(purpose, names=names), purpose),
            lambda running: [calls_per_request(stage, running, header, counts, TRACED_CONNECTIONS)],
            rounds=1)
    bench.record(key, tables[0], troubles)


def small_instructions(bench: Bench) -> None:
    request_instructions(bench, "small_instructions", "forward", "", COUNTED_PLAIN)


def policy_instructions(bench: Bench) -> None:
    request_instructions(bench, "policy_instructions", "policy", TOKEN, COUNTED)


def request_instructions(bench: Bench, key: str, purpose: str, header: str,
                         names: tuple[str, ...]) -> None:
    values: dict[str, list[float]] = {}
    troubles: dict[str, str] = {}
    for contestant in bench.tuned(purpose, names=names):
        try:
            values[contestant.name] = [counted(bench, contestant, purpose, header) / 1000]
            say(f"  {contestant.name}: {values[contestant.name][0]:.2f}")
        except TROUBLE as error:
            troubles[contestant.name] = str(error)
            say(f"  {contestant.name}: {error}")
    bench.record(key, values, troubles)


def counted(bench: Bench, contestant: Contestant, purpose: str, header: str) -> float:
    """User instructions of one request: two fresh processes, two counts of requests."""
    counts = (400, 2400)
    totals = []
    for count in counts:
        with bench.stage() as stage:
            running = stage.start(contestant, purpose, under_callgrind=True)
            stage.load.h2load(running.port, 4, 4, header, running.scheme)
            stage.load.h2load(running.port, count, 4, header, running.scheme)
            running.process.stop(60, contestant.kind.leave)
            totals.append(instructions(running.folder))
    return per_unit(totals[0], totals[1], *counts)


def bulk(bench: Bench) -> None:
    for direction in ("down", "up"):
        with bench.stage() as stage:
            def measure(running: Running) -> list[float]:
                return [cpu_per(running, lambda: stage.load.bulk(
                    running.port, bench.seconds, direction).bytes / 1e6)]  # µs/MB = ms/GB

            tables, troubles = bench.interleave(
                stage, starters(stage, bench.all_levels("bulk"), "bulk"), measure)
        bench.record(f"bulk_{direction}", tables[0], troubles)


def handshake(bench: Bench) -> None:
    with bench.stage() as stage:
        def measure(running: Running) -> list[float]:
            return [cpu_per(running, lambda: stage.load.handshakes(
                running.port, bench.seconds).requests)]

        tables, troubles = bench.interleave(stage, starters(stage, bench.all_levels()), measure)
    bench.record("handshake", tables[0], troubles)


def handshake_two(bench: Bench) -> None:
    """Two proxy threads and the clients share the machine's two cores. The clients run at the lowest
    priority, so that the two threads run at the same time whenever both have work, as they would on a
    larger machine; what then rises is the cost of what they share."""
    singles: dict[str, list[float]] = {}
    with bench.stage() as stage:
        both = {}
        for contestant in bench.tuned():
            both[contestant.name] = lambda c=contestant: stage.start(c, threads=2, pinned=False)
            both[f"{contestant.name} (1)"] = lambda c=contestant: stage.start(c)
        tables, troubles = bench.interleave(
            stage, both, lambda running: [cpu_per(running, lambda: _two_clients(bench, running))])
    values = {name: rounds for name, rounds in tables[0].items() if not name.endswith(" (1)")}
    singles = {name[:-4]: rounds for name, rounds in tables[0].items() if name.endswith(" (1)")}
    bench.record("handshake_two", values, troubles)
    bench.record("handshake_scaling",
                 {name: [2 * one / two for one, two in zip(singles[name], rounds)]
                  for name, rounds in values.items() if name in singles}, troubles,
                 "The clients use the same two cores, so this is computed from CPU per handshake, not "
                 "from the clock: time spent waiting for a lock would not show.")


def _two_clients(bench: Bench, running: Running) -> float:
    command = [str(bench.programs / "bench_handshake"), "--port", str(running.port), "--seconds",
               str(bench.seconds), "--connections", "32"]
    with ThreadPoolExecutor(2) as pool:
        outs = pool.map(lambda _: run_bounded(command, bench.seconds + 30, nice=19), range(2))
        answers = [parse_own(out) for out in outs]
    if any(answer["failed"] for answer in answers):
        raise ValueError(f"failed handshakes: {answers}")
    return sum(answer["requests"] for answer in answers)


def idle(bench: Bench) -> None:
    values: dict[str, list[float]] = {}
    troubles: dict[str, str] = {}
    for contestant in bench.tuned():
        # A floor keeps a backend connection per client, and 20,000 descriptors are all there are.
        wanted = 9_000 if contestant.role == "floor" else 10_000
        wanted = wanted // 5 if bench.quick else wanted
        try:
            with bench.stage() as stage:
                values[contestant.name] = [_idle_kib(stage, stage.start(contestant), wanted)]
            say(f"  {contestant.name}: {values[contestant.name][0]:.2f}")
        except TROUBLE as error:
            troubles[contestant.name] = str(error)
            say(f"  {contestant.name}: {error}")
    bench.record("idle", values, troubles)


def _idle_kib(stage: Stage, running: Running, wanted: int) -> float:
    stage.load.h2load(running.port, 200, 8)
    before = running.process.resident_kib()
    holder = subprocess.Popen(
        [str(stage.programs / "bench_idle"), "--port", str(running.port), "--connections",
         str(wanted), "--seconds", "300"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        preexec_fn=lambda: os.sched_setaffinity(0, stage.load_cores))
    try:
        ready = holder.stdout.readline()
        after = running.process.resident_kib()
        rest, _ = holder.communicate("", timeout=30)
    finally:
        holder.kill()
        holder.wait()
    held = [int(line.split()[1]) for line in (ready, rest) if line.strip()]
    if len(held) != 2 or min(held) < wanted:
        raise ValueError(f"only {held} of {wanted} connections were held, or opened within 300 s")
    return (after - before) / wanted


def latency(bench: Bench) -> None:
    with bench.stage() as stage:
        contestants = bench.tuned()
        capacity: dict[str, float] = {}

        def first(contestant: Contestant) -> Running:
            running = stage.start(contestant)
            if contestant.role == "peer":
                load = stage.load.wrk(running.port, bench.seconds, CONNECTIONS)
                capacity[contestant.name] = load.requests / load.seconds
            return running

        rate = [0.0]

        def measure(running: Running) -> list[float]:
            rate[0] = rate[0] or 0.6 * max(capacity.values())
            answer = stage.load.latency(running.port, bench.seconds, rate[0], seed=7)
            return [answer["p99_us"], answer["p999_us"]]

        tables, troubles = bench.interleave(
            stage, {c.name: (lambda c=c: first(c)) for c in contestants}, measure, width=2)
    note = f"{rate[0]:,.0f} requests/s offered over 64 connections, Poisson arrivals"
    bench.record("p99", tables[0], troubles, note)
    bench.record("p999", tables[1], troubles, note)
