import unittest

from bench.harness.stats import best, hopeless, paired_ratio, per_unit, spread


class Stats(unittest.TestCase):
    def test_paired_ratio_ignores_a_slow_round(self):
        # The machine was three times slower in the second round, for both.
        self.assertAlmostEqual(paired_ratio([8, 24, 8], [10, 30, 10]), 0.8)

    def test_paired_ratio_takes_common_rounds_only(self):
        self.assertEqual(paired_ratio([1, 2, 3], [2]), 0.5)

    def test_paired_ratio_needs_a_round(self):
        with self.assertRaises(ValueError):
            paired_ratio([], [1])

    def test_spread_is_half_the_range_over_the_median(self):
        self.assertAlmostEqual(spread([9, 10, 12]), 0.15)
        self.assertEqual(spread([0, 0]), 0)

    def test_best(self):
        self.assertEqual(best({"a": [3, 1, 9], "b": [2, 2, 2], "c": []}), "b")
        self.assertEqual(best({"a": [3], "b": [2]}, more=True), "a")
        self.assertIsNone(best({"c": []}))

    def test_best_counts_by_the_rounds_shared_with_the_reference(self):
        # "b" sat in the slow first rounds alone; in the rounds of both it is the cheaper one.
        values = {"a": [33, 33, 11, 11, 11], "b": [30, 30, 10]}
        self.assertEqual(best(values), "a")
        self.assertEqual(best(values, [30, 30, 10, 10, 10]), "b")

    def test_hopeless_are_far_from_the_best(self):
        self.assertEqual(hopeless({"a": [2, 2, 2], "b": [2.8, 9, 2.8], "c": [3.2, 3.2, 3.2], "d": []}),
                         {"c"})
        self.assertEqual(hopeless({}), set())

    def test_per_unit_cancels_what_both_runs_share(self):
        self.assertEqual(per_unit(1000 + 5 * 10, 1000 + 5 * 30, 10, 30), 5)
        with self.assertRaises(ValueError):
            per_unit(1, 2, 10, 10)


if __name__ == "__main__":
    unittest.main()
