"""What every measurement needs: who takes part, how long, where results go; and interleaving."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from .contestants import Contestant
from .counts import CallCounter
from .load import LoadError
from .process import StartError
from .stage import Running, Stage

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
    data: dict = field(default_factory=lambda: {"rows": {}})

    def stage(self) -> Stage:
        return Stage(self.programs, self.scratch)

    def tuned(self, purpose: str = "forward", roles: tuple[str, ...] = ("gateway", "peer", "floor"),
              names: tuple[str, ...] = ()) -> list[Contestant]:
        return [c for c in self.contestants
                if c.level == "tuned" and c.role in roles and c.takes_part(purpose)
                and c.kind.name != "floor F0" and (not names or c.kind.name in names)]

    def all_levels(self, purpose: str = "forward") -> list[Contestant]:
        return [c for c in self.contestants if c.takes_part(purpose) and c.kind.name != "floor F0"]

    def record(self, key: str, values: dict[str, list[float]],
               troubles: dict[str, str] | None = None, note: str = "") -> None:
        """Keeps one row, on disk at once: a later row's failure loses nothing."""
        self.data["rows"][key] = {
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
        for number in range(rounds or self.rounds):
            names = list(running)
            names = names[number % len(names):] + names[:number % len(names)] if names else []
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
        stage.load.h2load(running.port, count, connections, header)
        totals.append(sum(counter.stop().values()))
    return (totals[1] - totals[0]) / (counts[1] - counts[0])


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
