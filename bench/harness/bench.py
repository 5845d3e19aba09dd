"""What every measurement needs: who takes part, how long, where results go; and interleaving."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from . import machine
from .contestants import Contestant
from .counts import CallCounter
from .load import LoadError
from .process import StartError
from .stage import Running, Stage
from .stats import hopeless

# After so many rounds a row may end for lack of time, and peers far from the best may sit down.
FEWEST_ROUNDS = 3
START = time.monotonic()
# What can go wrong with one contestant without spoiling the row for the others.
TROUBLE = (StartError, LoadError, OSError, RuntimeError, ValueError)


@dataclass
class Bench:
    programs: Path
    scratch: Path
    results: Path
    contestants: list[Contestant]
    rounds: int
    seconds: float
    quick: bool = False
    row_seconds: float = 200  # no further round of a table once it took so long
    wait: float = 20          # for a quiet machine, before each row
    busy: float = 0           # cores that others kept busy before this row
    data: dict = field(default_factory=lambda: {"rows": {}})

    def stage(self) -> Stage:
        return Stage(self.programs, self.scratch)

    def tuned(self, purpose: str = "forward", roles: tuple[str, ...] = ("gateway", "peer", "floor"),
              names: tuple[str, ...] = ()) -> list[Contestant]:
        return [c for c in self.contestants
                if c.level == "tuned" and c.role in roles and c.takes_part(purpose)
                and (c.kind.name in names if names else c.kind.name != "floor F0")]

    def all_levels(self, purpose: str = "forward", plain: bool = False) -> list[Contestant]:
        """`plain`: with the floor that knows no TLS."""
        return [c for c in self.contestants
                if c.takes_part(purpose) and (plain or c.kind.name != "floor F0")]

    def begin(self) -> None:
        """Before a row: as quiet a machine as can be had for some patience."""
        self.busy = machine.wait_until_quiet(self.wait)

    def record(self, key: str, values: dict[str, list[float]],
               troubles: dict[str, str] | None = None, note: str = "") -> None:
        """Keeps one row, on disk at once: a later row's failure loses nothing."""
        before, self.busy = self.busy, machine.busy_cores()
        self.data["rows"][key] = {
            "busy": [round(before, 2), round(self.busy, 2)],
            "gateway": self.data.get("versions", {}).get("gateway", ""),
            "values": {name: [round(v, 4) for v in rounds] for name, rounds in values.items()},
            "troubles": troubles or {}, "note": note, "system": self.data.get("system", ""),
            "at": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        }
        self.results.parent.mkdir(parents=True, exist_ok=True)
        self.results.write_text(json.dumps(self.data, indent=1, ensure_ascii=False) + "\n")

    def interleave(self, stage: Stage, starters: dict[str, Callable[[], Running]],
                   measure: Callable[[Running], list[float]], rounds: int | None = None,
                   width: int = 1) -> tuple[list[dict[str, list[float]]], dict[str, str]]:
        """Starts everybody, then measures all of them in every round, each round in another order.

        `measure` gives `width` figures. Returns one table per figure, and who dropped out and why.
        A row that takes too long has fewer rounds, and peers that cannot be the best have the fewest.
        """
        running: dict[str, Running] = {}
        troubles: dict[str, str] = {}
        for name, start in starters.items():
            try:
                running[name] = start()
            except TROUBLE as error:
                troubles[name] = str(error)
        tables: list[dict[str, list[float]]] = [{name: [] for name in running}
                                                for _ in range(width)]
        begun, done = time.monotonic(), 1
        resting: set[str] = set()
        for number in range(rounds or self.rounds):
            if number == FEWEST_ROUNDS:
                resting = _hopeless(tables[0], running)
            names = [name for name in running if name not in resting]
            took = time.monotonic() - begun
            if number >= FEWEST_ROUNDS and took + len(names) * took / done > self.row_seconds:
                break
            names = names[number % len(names):] + names[:number % len(names)] if names else []
            done += len(names)
            for name in names:
                try:
                    figures = measure(running[name])
                except TROUBLE as error:
                    troubles[name] = str(error)
                    say(f"  {name}: {error}")
                    stage.stop(running.pop(name))
                    for table in tables:
                        table.pop(name)
                    continue
                for table, figure in zip(tables, figures):
                    table[name].append(figure)
                say(f"  round {number + 1} {name}: "
                    + ", ".join(f"{figure:.2f}" for figure in figures))
        return tables, troubles


def _hopeless(values: dict[str, list[float]], running: dict[str, Running]) -> set[str]:
    """Peers that cannot be the best of their kind any more: what they cost is known well enough."""
    kinds: dict[tuple[str, str], dict[str, list[float]]] = {}
    for name, one in running.items():
        if one.contestant.role == "peer":
            kind = (one.contestant.level, one.values["threads"])
            kinds.setdefault(kind, {})[name] = values[name]
    return set().union(*(hopeless(group) for group in kinds.values()))


def cpu_per(running: Running, load: Callable[[], float]) -> float:
    """CPU microseconds of the contestant per unit of what `load` says it moved."""
    before = running.process.cpu_ns()
    units = load()
    return (running.process.cpu_ns() - before) / 1000 / units


def calls_per_request(stage: Stage, running: Running, header: str, counts: tuple[int, int],
                      connections: int) -> float:
    """System calls of one request, as the difference of a short and a long run."""
    totals = []
    for count in counts:
        counter = CallCounter(running.process, stage.load_cores)
        stage.load.h2load(running.port, count, connections, header, running.scheme)
        totals.append(sum(counter.stop().values()))
    return (totals[1] - totals[0]) / (counts[1] - counts[0])


def say(text: str) -> None:
    minutes, seconds = divmod(int(time.monotonic() - START), 60)
    print(f"{minutes:3}:{seconds:02} {text}", file=sys.stderr, flush=True)
