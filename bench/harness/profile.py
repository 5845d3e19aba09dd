"""Where the instructions of one request go, by function: the difference of two callgrind runs."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from .bench import Bench
from .contestants import Contestant

LINE = re.compile(r"^\s*([\d,]+)\s+(?:\([\d.]+%\)\s+)?(\S.*)$")


def parse_annotate(text: str, inclusive: bool = False) -> dict[str, int]:
    """Instructions by function, from callgrind_annotate; what a file is called is left out.

    A function that has lines in several files is listed once for each: own costs add up, inclusive
    ones are the same cost seen twice.
    """
    costs: dict[str, int] = {}
    for line in text.splitlines():
        found = LINE.match(line)
        if not found or "PROGRAM TOTALS" in found[2] or ":" not in found[2]:
            continue
        name = re.sub(r" \[.*\]$", "", found[2].split(":", 1)[1])
        library = re.search(r"\[.*/([^/\]]+)\]$", found[2])
        if name.startswith("0x") and library:
            name = f"{library[1]} {name}"
        cost, known = int(found[1].replace(",", "")), costs.get(name, 0)
        costs[name] = max(cost, known) if inclusive else cost + known
    return costs


def profile(bench: Bench, contestant: Contestant, purpose: str, header: str,
            counts: tuple[int, int] = (400, 4400)) -> dict[str, list[tuple[float, str]]]:
    """("exclusive", "inclusive") -> functions by instructions per request, the largest first."""
    runs = [_run(bench, contestant, purpose, header, count) for count in counts]
    tables = {}
    for kind in ("exclusive", "inclusive"):
        short, long = (parse_annotate(run[kind], kind == "inclusive") for run in runs)
        rows = [((cost - short.get(name, 0)) / (counts[1] - counts[0]), name)
                for name, cost in long.items()]
        tables[kind] = sorted((row for row in rows if row[0] >= 1), reverse=True)
    return tables


def _run(bench: Bench, contestant: Contestant, purpose: str, header: str,
         count: int) -> dict[str, str]:
    kept = bench.scratch.parent / "callgrind.out"
    with bench.stage() as stage:
        running = stage.start(contestant, purpose, under_callgrind=True)
        stage.load.h2load(running.port, count, 4, header)
        running.process.stop(60, contestant.kind.leave)
        largest = max(running.folder.glob("callgrind.*"), key=lambda path: path.stat().st_size)
        shutil.copy(largest, kept)
    return {kind: _annotate(kept, kind == "inclusive") for kind in ("exclusive", "inclusive")}


def _annotate(path: Path, inclusive: bool) -> str:
    command = ["callgrind_annotate", f"--inclusive={'yes' if inclusive else 'no'}",
               "--threshold=100", "--show-percs=no", "--auto=no", str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=300).stdout
