#!/usr/bin/env python3
"""A cluster of 5,000 Ingresses: each kind of change gets to every worker, and no request fails meanwhile. How fast
that is, bench/ measures; here it must not be worse than ten times what it should be."""

import os
import sys
import tempfile
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bench.harness.big_cluster import BigCluster, Size
from harness import BIN, run_tests

# Sanitizers multiply time and memory: there the same is asked of a tenth of it.
SIZE = Size(500, 100, 5, 50, 5) if os.environ.get("GATEWAY_E2E_SANITIZED") else Size()
CHANGE_MS, START_MS, RESIDENT_MB = 500, 30_000, 600


def busy():
    """By how much others stretch what takes a processor."""
    return max(1.0, os.getloadavg()[0] / os.cpu_count())


def one_change_among_thousands_is_live_soon_and_no_request_fails():
    with tempfile.TemporaryDirectory() as folder, BigCluster(BIN / "gateway", Path(folder), SIZE) as cluster:
        assert cluster.start_ms <= START_MS * busy(), cluster.start_ms
        figures, load = cluster.measure(5)
        assert not load.failures and load.answered > 0, load.failures[:5]
        for kind, times in figures.items():
            assert median(times) <= CHANGE_MS * busy(), (kind, times, busy())
        assert cluster.resident_mb() <= RESIDENT_MB, cluster.resident_mb()


if __name__ == "__main__":
    sys.exit(run_tests([one_change_among_thousands_is_live_soon_and_no_request_fails]))
