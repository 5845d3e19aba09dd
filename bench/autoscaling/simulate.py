#!/usr/bin/env python3
"""Why the window is what it is: an HPA in front of Poisson arrivals, read through several windows.

Writes the table of README.md. Seeded: the same table each time. Time is simulated."""

import argparse
import math
import random

TARGET = 5.0       # requests per second and replica
SYNC = 15          # seconds between two looks of the HPA
TOLERANCE = 0.10
STABILIZATION = 300
HISTORY = 60


def poisson(source, mean):
    """Knuth's below 30, the normal's above: enough for counts of a second."""
    if mean > 30:
        return max(0, round(source.gauss(mean, math.sqrt(mean))))
    limit, product, count = math.exp(-mean), source.random(), 0
    while product > limit:
        product *= source.random()
        count += 1
    return count


def adaptive_burst(history):
    """gateway/metrics/rate_window.cc, of which this is a copy; `history` newest first."""
    window, arrivals = 5, sum(history[:5])
    while window < len(history) and arrivals < 400:
        arrivals += history[window]
        window += 1
    steady = arrivals / window
    for burst in (5, 10, 20):
        if burst >= window:
            break
        recent = sum(history[:burst])
        excess = recent - steady * burst
        if excess > 3.5 * math.sqrt(steady * burst) and excess >= 8:
            return recent / burst
    return steady


def fixed(seconds):
    return lambda history: sum(history[:seconds]) / seconds


class Scraped:
    """rate[window] of a counter that Prometheus scrapes each `interval` seconds: what is known at a
    scrape stays until the next one, and the window begins at the first scrape within it."""

    def __init__(self, window, interval, offset):
        self.window, self.interval, self.offset = window, interval, offset
        self.total, self.samples = 0.0, []

    def tick(self, now, arrivals):
        self.total += arrivals
        if now % self.interval == self.offset % self.interval:
            self.samples.append((now, self.total))
            self.samples = [each for each in self.samples if each[0] >= now - 600]

    def rate(self, now):
        inside = [each for each in self.samples if each[0] > now - self.window]
        if len(inside) < 2:
            return 0.0
        (first, low), (last, high) = inside[0], inside[-1]
        return (high - low) / (last - first)


def desired(rate, replicas):
    wanted = math.ceil(rate / TARGET - 1e-9)
    ratio = rate / (TARGET * replicas)
    return replicas if abs(ratio - 1) <= TOLERANCE else max(1, wanted)


def limited_up(wanted, replicas):
    """Four pods or twice as many in 15 s, whichever is more: the HPA's default."""
    return min(wanted, max(replicas + 4, replicas * 2))


def run(reader, load, seconds, seed):
    """Replicas over time as the HPA sets them. `reader(now, history)` is the rate that it reads."""
    source = random.Random(seed)
    history = [0] * 130
    phase = source.randrange(SYNC)
    replicas = max(1, math.ceil(load(0) / TARGET))
    wishes, course = [], []
    for now in range(-130, seconds):
        arrivals = poisson(source, load(max(now, 0)))
        history = [arrivals] + history[:-1]
        rate = reader(now, history)
        if now >= 0 and now % SYNC == phase:
            wanted = desired(rate, replicas)
            wishes = [(at, wish) for at, wish in wishes if now - at < STABILIZATION]
            wishes.append((now, wanted))
            if wanted < replicas:
                wanted = min(replicas, max(wish for _, wish in wishes))
            replicas = limited_up(wanted, replicas) if wanted > replicas else wanted
        if now >= 0:
            course.append(replicas)
    return course


def windowed(rate):
    return lambda seed: lambda now, history: rate(history[:HISTORY])


def scraped(window, interval):
    def make(seed):
        series = Scraped(window, interval, random.Random(seed * 31 + 7).randrange(interval))

        def read(now, history):
            series.tick(now + 1000, history[0])
            return series.rate(now + 1000)
        return read
    return make


READERS = (
    ("adaptive + burst", windowed(adaptive_burst)),
    ("last 5 s", windowed(fixed(5))),
    ("last 15 s", windowed(fixed(15))),
    ("last 60 s", windowed(fixed(60))),
    ("rate[1m], scraped each 15 s", scraped(60, 15)),
    ("rate[2m], scraped each 30 s", scraped(120, 30)),
)


def seconds_to_size(make, low, high, runs):
    """Mean time from the step to the first moment with so many replicas that the HPA is content."""
    begin, end = 120, 720
    need = math.ceil(high / TARGET / (1 + TOLERANCE))
    times = []
    for seed in range(runs):
        course = run(make(seed), lambda now: low if now < begin else high, end, seed)
        times.append(next((at - begin for at in range(begin, end) if course[at] >= need), end - begin))
    return sum(times) / runs


def flaps_an_hour(make, load, runs):
    """Changes of the number of replicas while the load stays as it is, after a quarter of an hour."""
    flaps = 0
    for seed in range(runs):
        course = run(make(seed), lambda now: load, 900 + 3600, 1000 + seed)[900:]
        flaps += sum(1 for before, after in zip(course, course[1:]) if before != after)
    return flaps / runs


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--runs", type=int, default=100, help="of each step, and a tenth of hours")
    runs = options.parse_args().runs
    print("| what the HPA reads | 5→15 rps, s | 20→60 rps, s | 100→300 rps, s | changes an hour at 12.5 rps "
          "| at 102.5 rps |")
    print("|---|---|---|---|---|---|")
    for name, make in READERS:
        steps = [seconds_to_size(make, low, high, runs) for low, high in ((5, 15), (20, 60), (100, 300))]
        flaps = [flaps_an_hour(make, load, max(1, runs // 10)) for load in (12.5, 102.5)]
        print(f"| {name} | " + " | ".join(f"{value:.0f}" for value in steps) + " | "
              + " | ".join(f"{value:.1f}" for value in flaps) + " |", flush=True)


if __name__ == "__main__":
    main()
