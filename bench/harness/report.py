"""RESULTS.md and the plots, from the figures in results.json."""

from __future__ import annotations

import json
from pathlib import Path
from statistics import median

from .contestants import CONFIGS
from .rows import ROWS, Row
from .stats import best, paired_ratio, spread
from .svg import Bar, bar_chart, number

GATEWAYS = ("gateway", "gateway+pgo")
QUIET = 0.2  # so many cores busy with something else do not bend a ratio


def load(path: Path) -> dict:
    empty = {"rows": {}, "machine": {}, "versions": {}, "missing": {}}
    return json.loads(path.read_text()) if path.exists() else empty


def merged(data: dict, other: dict) -> dict:
    """Rows of another run, on the system where they are judged, come before ours."""
    if not other["rows"]:
        return data
    rows = dict(data["rows"])
    for key, entry in other["rows"].items():
        here = rows.get(key)
        rows[key] = {**entry, "also": here} if here else entry
    elsewhere = {name: other[name] for name in ("machine", "versions", "missing")}
    return {**data, "rows": rows, "elsewhere": {other["system"]: elsewhere}}


def role(name: str) -> str:
    if name.startswith("gateway"):
        return "gateway"
    return "floor" if name.startswith("floor") else "peer"


def peers(values: dict[str, list[float]], level: str) -> dict[str, list[float]]:
    return {name: rounds for name, rounds in values.items()
            if name.endswith(f" {level}") and role(name) == "peer"}


def ratio(values: dict[str, list[float]], ours: str, theirs: str | None) -> float | None:
    if not theirs or not values.get(ours) or not values.get(theirs):
        return None
    return paired_ratio(values[ours], values[theirs])


def rival(row: Row, values: dict[str, list[float]]) -> str | None:
    """Whom the row's first goal compares with."""
    return row.against or best(peers(values, "tuned"), values.get("gateway"), row.more_is_better)


def rival_at_defaults(row: Row, values: dict[str, list[float]]) -> str | None:
    return best(peers(values, "defaults"), values.get("gateway defaults"), row.more_is_better)


def verdicts(row: Row, values: dict[str, list[float]], ours: str) -> list[bool]:
    """One answer per goal of the row that could be judged."""
    tests = [(row.peer_goal, ratio(values, ours, rival(row, values))),
             (row.floor_goal, ratio(values, ours, row.floor)),
             (row.defaults_goal,
              ratio(values, f"{ours} defaults", rival_at_defaults(row, values)))]
    answers = [found <= goal for goal, found in tests if goal is not None and found is not None]
    if row.absolute_goal is not None and values.get(ours):
        middle = median(values[ours])
        answers.append(middle >= row.absolute_goal if row.more_is_better
                       else middle <= row.absolute_goal)
    return answers


def missed(row: Row, values: dict[str, list[float]]) -> bool:
    return any(not all(verdicts(row, values, name)) for name in ours_in(row, values))


def ours_in(row: Row, values: dict[str, list[float]]) -> list[str]:
    names = ("gateway, 10,000 routes",) if row.against else GATEWAYS
    return [name for name in names if values.get(name)]


def summary_line(row: Row, entry: dict) -> str:
    values = entry["values"]
    theirs = rival(row, values)
    at_defaults = rival_at_defaults(row, values)
    names = ours_in(row, values)
    cells = [f"[{row.title}](#{row.key})",
             " / ".join(number(median(values[name])) for name in names) or "not measured"]
    cells.append(f"{theirs}: {number(median(values[theirs]))}"
                 if theirs and values.get(theirs) else "")
    cells.append(_ratios(values, names, theirs))
    cells.append(_ratios(values, [f"{name} defaults" for name in names], at_defaults))
    cells.append(_ratios(values, names, row.floor))
    cells.append(goal_text(row))
    cells.append(" / ".join(_judge(verdicts(row, values, name)) for name in names))
    return "| " + " | ".join(cells) + " |"


def _ratios(values: dict[str, list[float]], names: list[str], other: str | None) -> str:
    return " / ".join(filter(None, (_ratio_cell(values, name, other) for name in names)))


def _ratio_cell(values: dict[str, list[float]], name: str, other: str | None) -> str:
    found = ratio(values, name, other)
    return f"{found:.2f}" if found is not None else ""


def _judge(answers: list[bool]) -> str:
    if not answers:
        return "no goal"
    return "reached" if all(answers) else "**missed**"


def losses(rows: dict) -> list[str]:
    """What was not reached, and what is known of the reason."""
    lines = [f"- [{row.title}](#{row.key}): {row.why or 'the reason is not known yet.'}"
             for row in ROWS if row.key in rows and missed(row, rows[row.key]["values"])]
    return ["## Not reached", "", *lines, ""] if lines else []


def goal_text(row: Row) -> str:
    parts = []
    if row.peer_goal is not None:
        parts.append(f"≤ {row.peer_goal} of {'it' if row.against else 'the best peer'}")
    if row.defaults_goal is not None:
        parts.append(f"≤ {row.defaults_goal} at defaults")
    if row.floor_goal is not None:
        parts.append(f"≤ {row.floor_goal} of the floor")
    if row.absolute_goal is not None:
        parts.append(f"{'≥' if row.more_is_better else '≤'} {row.absolute_goal:g} {row.unit}")
    return ", ".join(parts)


def section(row: Row, entry: dict) -> list[str]:
    """One row's plot and figures, and those of another system if it was measured there too."""
    lines = [f'<a id="{row.key}"></a>', "", f"### {row.title} ({row.unit})", "",
             f"![{row.title}](plots/{row.key}.svg)", "",
             f"Goal: {goal_text(row) or 'none'}.", "", *detail(row, entry)]
    return lines + detail(row, entry["also"]) if entry.get("also") else lines


def detail(row: Row, entry: dict) -> list[str]:
    """Everybody's figures, and what went wrong."""
    values = entry["values"]
    theirs, at_defaults = rival(row, values), rival_at_defaults(row, values)
    lines = [measured_text(entry), "",
             f"| | median | spread | rounds | to {theirs or 'best peer'} | to floor |",
             "|---|---|---|---|---|---|"]
    for name, rounds in _ordered(row, values):
        around = f"±{spread(rounds) * 100:.0f} %" if len(rounds) > 1 else ""
        lines.append(f"| {name} | {number(median(rounds))} | {around} | "
                     f"{len(rounds)} | {_ratio_cell(values, name, theirs)} | "
                     f"{_ratio_cell(values, name, row.floor)} |")
    lines.append("")
    found = ratio(values, "gateway defaults", at_defaults)
    if found is not None:
        lines += [f"Both at their defaults, the gateway has {found:.2f} of {at_defaults}.", ""]
    lines += [f"- {name} was not measured: {reason.splitlines()[0][:200]}"
              for name, reason in entry["troubles"].items()]
    return [*lines, ""]


def measured_text(entry: dict) -> str:
    """When and where, how quiet it was, and what else is to be known about the figures."""
    version = f" with gateway {entry['gateway']}" if entry.get("gateway") else ""
    text = f"Measured {entry['at']} on {entry['system']}{version}."
    if entry.get("busy"):
        before, after = entry["busy"]
        text += f" Others kept {before:.2f} cores busy before it and {after:.2f} after it"
        text += (", so the machine was not quiet and timed figures are rough."
                 if max(before, after) > QUIET else ".")
    if entry["note"]:
        text += f" {entry['note']}."
    return text


def _ordered(row: Row, values: dict[str, list[float]]) -> list[tuple[str, list[float]]]:
    measured = [(name, rounds) for name, rounds in values.items() if rounds]
    return sorted(measured, key=lambda pair: median(pair[1]), reverse=row.more_is_better)


def plot(row: Row, entry: dict) -> str:
    bars = [Bar(name, median(rounds), role(name), min(rounds), max(rounds))
            for name, rounds in _ordered(row, entry["values"])]
    theirs = rival(row, entry["values"])
    goal = row.absolute_goal
    if row.peer_goal is not None and theirs and entry["values"].get(theirs):
        goal = row.peer_goal * median(entry["values"][theirs])
    return bar_chart(row.title, row.unit, bars, goal,
                     "more is better" if row.more_is_better else "less is better")


def machine_lines(where: dict) -> list[str]:
    lines = [f"- {name}: {value}" for name, value in where["machine"].items()]
    lines += [f"- {name} {text}" for name, text in where["versions"].items()]
    lines += [f"- {name} is missing: {reason}" for name, reason in where["missing"].items()]
    return lines


def write(data: dict, folder: Path) -> None:
    """RESULTS.md and plots/ in `folder`."""
    plots = folder / "plots"
    plots.mkdir(parents=True, exist_ok=True)
    measured = [row for row in ROWS if row.key in data["rows"]]
    for row in measured:
        (plots / f"{row.key}.svg").write_text(plot(row, data["rows"][row.key]))
    lines = [*HEADER,
             "| row | gateway / with PGO | best tuned peer | ratio | ratio at defaults | to floor F1 "
             "| goal | |", "|---|---|---|---|---|---|---|---|"]
    lines += [summary_line(row, data["rows"][row.key]) for row in measured]
    lines += [f"| {row.title} | not measured | | | | | {goal_text(row)} | |"
              for row in ROWS if row.key not in data["rows"]]
    lines += ["", *losses(data["rows"])]
    lines += ["## Every row", ""]
    for row in measured:
        lines += section(row, data["rows"][row.key])
    lines += ["## Machine and versions", "", *machine_lines(data), ""]
    for system, where in data.get("elsewhere", {}).items():
        lines += [f"### {system}", "", *machine_lines(where), ""]
    lines += ["## Configurations", "",
              "`{{name}}` is filled in for the run. `openssl-tuned.cnf` is what tuned peers get as "
              "`OPENSSL_CONF`.", ""]
    lines += [f"- [{path.name}](configs/{path.name})" for path in sorted(CONFIGS.iterdir())]
    (folder / "RESULTS.md").write_text("\n".join([*lines, ""]))


HEADER = [
    "# Results", "",
    "Written by `make bench`; do not edit. The proxy has one core, clients and backend the other "
    "(one row says otherwise). CPU is the scheduler's own count of all threads; system calls are "
    "`strace -c`, user instructions callgrind, each the difference of two runs. Contestants run side "
    "by side and are measured in interleaved rounds; a ratio is the median of the rounds' ratios. "
    "*Best* is, of the tuned peers of the same run, the one the gateway compares worst with; peers far "
    "behind it have fewer rounds. At defaults, the gateway with nothing tuned is compared with the "
    "best peer with nothing tuned. The floors move the same bytes without looking at HTTP: F0 over "
    "plain TCP, F1 with the gateway's TLS settings. Absolute figures do not carry over to another "
    "machine; ratios do.", "",
]
