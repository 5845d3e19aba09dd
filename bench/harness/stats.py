"""The few statistics that the report uses."""

from __future__ import annotations

from statistics import median


def paired_ratio(ours: list[float], theirs: list[float]) -> float:
    """Median of the rounds' own ratios: what slows a whole round slows both sides of its ratio."""
    pairs = [a / b for a, b in zip(ours, theirs) if b > 0]
    if not pairs:
        raise ValueError("no common round")
    return median(pairs)


def spread(values: list[float]) -> float:
    """Half the distance between the smallest and largest value, as a part of the median."""
    middle = median(values)
    return (max(values) - min(values)) / 2 / middle if middle else 0.0


def best(values: dict[str, list[float]], reference: list[float] | None = None,
         more: bool = False) -> str | None:
    """Who costs least (or has most); by the rounds it shares with the reference where there is one,
    for a median of more or other rounds would favour whoever sat in the quieter ones."""
    measured = {name: paired_ratio(rounds, reference) if reference else median(rounds)
                for name, rounds in values.items() if rounds}
    if not measured:
        return None
    return (max if more else min)(measured, key=measured.__getitem__)


def hopeless(values: dict[str, list[float]], limit: float = 1.5) -> set[str]:
    """Those who are so far from the best that more rounds could not make them the best."""
    leader = best(values)
    return {name for name, rounds in values.items()
            if leader and rounds and paired_ratio(rounds, values[leader]) > limit}


def per_unit(small_total: float, large_total: float, small_units: int, large_units: int) -> float:
    """Cost of one unit from two runs that differ in the number of units alone."""
    if large_units <= small_units:
        raise ValueError("the second run must be the longer one")
    return (large_total - small_total) / (large_units - small_units)
