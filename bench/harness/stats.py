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


def cheapest(values: dict[str, list[float]]) -> str | None:
    """The name with the lowest median; None when there is nothing to choose from."""
    measured = {name: median(rounds) for name, rounds in values.items() if rounds}
    return min(measured, key=measured.__getitem__) if measured else None


def per_unit(small_total: float, large_total: float, small_units: int, large_units: int) -> float:
    """Cost of one unit from two runs that differ in the number of units alone."""
    if large_units <= small_units:
        raise ValueError("the second run must be the longer one")
    return (large_total - small_total) / (large_units - small_units)
