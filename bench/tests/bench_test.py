import tempfile
import time
import unittest
from pathlib import Path
from types import SimpleNamespace

from bench.harness.bench import FEWEST_ROUNDS, Bench
from bench.harness.load import LoadError
from bench.harness.process import Process


def stand_in(name, role="peer", cost=1.0):
    return SimpleNamespace(name=name, cost=cost, values={"threads": "1"},
                           contestant=SimpleNamespace(role=role, level="tuned"))


class Interleaved(unittest.TestCase):
    def run_with(self, contestants, measure, **options):
        bench = Bench(Path(), Path(), Path(), [], options.pop("rounds", 7), 1, **options)
        stopped = []
        tables, troubles = bench.interleave(
            SimpleNamespace(stop=lambda one: stopped.append(one.name)),
            {one.name: (lambda one=one: one) for one in contestants}, measure)
        return tables[0], troubles, stopped

    def test_peers_far_from_the_best_have_the_fewest_rounds(self):
        table, _, _ = self.run_with(
            [stand_in("near"), stand_in("far", cost=2), stand_in("gateway", "gateway", 3)],
            lambda one: [one.cost])
        self.assertEqual({name: len(rounds) for name, rounds in table.items()},
                         {"near": 7, "far": FEWEST_ROUNDS, "gateway": 7})

    def test_a_slow_row_ends_early_but_not_before_the_fewest_rounds(self):
        def slow(one):
            time.sleep(0.01)
            return [one.cost]

        table, _, _ = self.run_with([stand_in("a")], slow, row_seconds=0.0)
        self.assertEqual(len(table["a"]), FEWEST_ROUNDS)

    def test_who_fails_is_stopped_and_spoils_nothing(self):
        def measure(one):
            if one.name == "b":
                raise LoadError("lost")
            return [one.cost]

        table, troubles, stopped = self.run_with([stand_in("a"), stand_in("b")], measure)
        self.assertEqual((table, troubles, stopped), ({"a": [1.0] * 7}, {"b": "lost"}, ["b"]))


class Recorded(unittest.TestCase):
    def test_a_row_is_on_disk_at_once(self):
        with tempfile.TemporaryDirectory() as folder:
            results = Path(folder) / "deep/results.json"
            bench = Bench(Path(), Path(), results, [], 1, 1)
            bench.record("x", {"gateway": [1.0]})
            self.assertIn('"gateway"', results.read_text())


class Stopped(unittest.TestCase):
    def test_a_helper_may_end_after_the_first_process(self):
        with tempfile.TemporaryDirectory() as folder:
            done = Path(folder) / "done"
            script = f"(trap '' TERM; sleep 0.3; touch {done}) & exec sleep 60"
            process = Process("x", ["/bin/sh", "-c", script], Path(folder) / "log")
            time.sleep(0.1)
            process.stop(10)
            self.assertTrue(done.exists())


if __name__ == "__main__":
    unittest.main()
