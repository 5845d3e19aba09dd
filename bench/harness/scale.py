"""Rows about ten thousand routes: cost of a request, one route changed, memory."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import threading
import time
from pathlib import Path

from .bench import TROUBLE, Bench, cpu_per, say
from .contestants import Contestant
from .counts import instructions
from .measure import CONNECTIONS
from .routes import Target, many_routes, one_route, wrk_script
from .stage import Running, Stage
from .stats import per_unit

ONE, MANY = "gateway, 1 route", "gateway, 10,000 routes"
HITS = 1000
RELOAD_RATE = 1000


def _gateway(bench: Bench) -> Contestant:
    for contestant in bench.contestants:
        if contestant.name == "gateway":
            return contestant
    raise ValueError("there is no gateway")


def _start(bench: Bench, stage: Stage, routes: str, **options) -> Running:
    """The gateway with these routes in place of its only one."""
    contestant = _gateway(bench)
    text = contestant.template("forward").read_text()
    template = stage.scratch / f"routes-{stage.started}.yaml"
    template.write_text(text[:text.index("routes:")] + routes)
    return stage.start(contestant, template=template, **options)


def routes(bench: Bench) -> None:
    """The same 1,000 requests, at random, against a table of 10,000 routes and against one."""
    text, targets = many_routes()
    hit = random.Random(1).sample(targets, HITS)
    with bench.stage() as stage:
        script = wrk_script(hit, stage.scratch / "hits.lua")
        tables, troubles = bench.interleave(
            stage,
            {ONE: lambda: _start(bench, stage, one_route()),
             MANY: lambda: _start(bench, stage, text)},
            lambda running: [cpu_per(running, lambda: stage.load.wrk(
                running.port, bench.seconds, CONNECTIONS, script=script).requests)])
    # Both contestants are the same program, so the tables are keyed by the start's name.
    bench.record("routes_cpu", tables[0], troubles)
    values = {}
    for name, table in ((ONE, one_route()), (MANY, text)):
        values[name] = [_counted(bench, table, hit) / 1000]
        say(f"  {name}: {values[name][0]:.2f} thousand instructions")
    bench.record("routes_instructions", values)


def _counted(bench: Bench, table: str, hit: list[Target]) -> float:
    """Instructions of one request: every target once against every target five times."""
    totals = []
    for times in (1, 5):
        with bench.stage() as stage:
            running = _start(bench, stage, table, under_callgrind=True)
            for _ in range(times):
                _ask_all(running, hit, stage)
            running.process.stop(120)
            totals.append(instructions(running.folder))
    return per_unit(totals[0], totals[1], len(hit), 5 * len(hit))


def _ask_all(running: Running, targets: list[Target], stage: Stage) -> None:
    """One keep-alive connection per pass."""
    command = [os.fspath(Path(__file__).resolve().parent / "ask.py"), str(running.port)]
    lines = "".join(target.line() for target in targets)
    done = subprocess.run(["python3", *command], input=lines, text=True, capture_output=True,
                          timeout=300, check=False,
                          preexec_fn=lambda: os.sched_setaffinity(0, stage.load_cores))
    if done.returncode != 0:
        raise ValueError(f"the targets were not all served: {done.stderr[-300:]}")


def memory(bench: Bench) -> None:
    text, _ = many_routes(scale=0.5)
    with bench.stage() as stage:
        running = _start(bench, stage, text)
        value = running.process.resident_kib() / 1024
    bench.record("memory", {"gateway": [value]})
    say(f"  {value:.1f} MB")


def reload(bench: Bench) -> None:
    """Replaces the file and asks until the new answer comes, while a load must lose nothing. The load is
    far from what the core can do: what the row asks for is the work, not a wait for the core."""
    text, _ = many_routes()
    changing = ("  - name: changing\n    match: {path: /changing}\n"
                "    respond: {status: 200, body: \"%s\"}\n")
    values: list[float] = []
    with bench.stage() as stage:
        running = _start(bench, stage, text + changing % "0")
        config = Path(running.values["config"])
        outcome: dict[str, object] = {}

        def background() -> None:
            try:
                outcome["load"] = stage.load.latency(running.port, 1.5 * bench.rounds + 2,
                                                     RELOAD_RATE, seed=7)
            except TROUBLE as error:
                outcome["trouble"] = str(error)

        thread = threading.Thread(target=background)
        thread.start()
        time.sleep(1)  # the load's connections are up
        for number in range(1, bench.rounds + 1):
            new = config.with_suffix(".new")
            new.write_text(config.read_text().replace(f'body: "{number - 1}"',
                                                      f'body: "{number}"'))
            start = time.monotonic()
            os.replace(new, config)
            running.process.tell(signal.SIGHUP)
            values.append(_until_live(running, str(number).encode(), start))
        thread.join()
    load = outcome.get("load")
    failed = (f"none of {load['requests']:,} requests failed, the slowest took "
              f"{load['max_us'] / 1000:.0f} ms" if load else str(outcome["trouble"]))
    bench.record("reload", {"gateway": values},
                 note=f"Includes reading the YAML file. Meanwhile {RELOAD_RATE} requests/s: {failed}")
    say(f"  {values} {failed}")


def _until_live(running: Running, wanted: bytes, start: float) -> float:
    while time.monotonic() < start + 20:
        if running.fetch("/changing") == wanted:
            return (time.monotonic() - start) * 1000
    raise ValueError("the changed route did not come alive within 20 s")
