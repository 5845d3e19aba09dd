import tempfile
import unittest
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from bench.harness import report
from bench.harness.routes import many_routes, wrk_script
from bench.harness.rows import Row
from bench.harness.svg import Bar, bar_chart, number

ROW = Row("small_cpu", "Small", "µs", 0.85, 1.10)


def entry(values, troubles=None):
    return {"values": values, "troubles": troubles or {}, "note": "", "system": "Debian", "at": "now"}


class Verdicts(unittest.TestCase):
    def test_best_peer_is_the_cheapest_tuned_one(self):
        values = {"gateway": [8.0], "a tuned": [10.0], "b tuned": [11.0], "a defaults": [1.0],
                  "floor F1": [8.0]}
        self.assertEqual(report.verdicts(ROW, values, "gateway"), [True, True])

    def test_defaults_are_compared_with_defaults(self):
        row = Row("x", "x", "µs", 1.0, defaults_goal=0.9)
        values = {"gateway": [9.0], "gateway defaults": [9.5], "a tuned": [10.0], "a defaults": [10.0]}
        self.assertEqual(report.verdicts(row, values, "gateway"), [True, False])
        self.assertEqual(report.verdicts(row, {**values, "gateway defaults": [8.0]}, "gateway"),
                         [True, True])
        self.assertEqual(report.peers(values, "defaults"), {"a defaults": [10.0]})

    def test_the_rival_is_who_the_gateway_compares_worst_with(self):
        values = {"gateway": [10, 20], "a tuned": [10, 19], "b tuned": [9, 30]}
        self.assertEqual(report.rival(ROW, values), "a tuned")
        row = Row("x", "x", "×", absolute_goal=1.9, more_is_better=True)
        self.assertEqual(report.rival(row, {"a tuned": [2.0], "b tuned": [1.0]}), "a tuned")

    def test_a_loss_is_shown(self):
        values = {"gateway": [9.0], "a tuned": [10.0]}
        self.assertEqual(report.verdicts(ROW, values, "gateway"), [False])
        self.assertIn("**missed**", report.summary_line(ROW, entry(values)))

    def test_without_peers_nothing_is_judged(self):
        self.assertIn("no goal", report.summary_line(ROW, entry({"gateway": [9.0]})))

    def test_more_can_be_better(self):
        row = Row("x", "x", "×", absolute_goal=1.9, more_is_better=True)
        self.assertEqual(report.verdicts(row, {"gateway": [1.95]}, "gateway"), [True])
        self.assertEqual(report.verdicts(row, {"gateway": [1.5]}, "gateway"), [False])


class Written(unittest.TestCase):
    def test_report_names_losses_missing_peers_and_unmeasured_rows(self):
        data = {"rows": {"small_cpu": entry({"gateway": [9.0], "a tuned": [10.0]},
                                            {"b tuned": "did not start\nmore"})},
                "machine": {"cores": "2"}, "versions": {"a": "1.0"}, "missing": {"h2o": "absent"}}
        with tempfile.TemporaryDirectory() as folder:
            report.write(data, Path(folder))
            text = (Path(folder) / "RESULTS.md").read_text()
            ElementTree.parse(Path(folder) / "plots/small_cpu.svg")
        self.assertIn("**missed**", text)
        self.assertIn("b tuned was not measured: did not start", text)
        self.assertIn("h2o is missing: absent", text)
        self.assertIn("| 10 MB bodies, backend to client: CPU | not measured |", text)


    def test_a_loss_comes_with_its_reason_and_a_busy_machine_is_told(self):
        busy = {**entry({"gateway": [40.0]}), "busy": [0.01, 0.93]}
        data = {"rows": {"reload": busy}, "machine": {}, "versions": {}, "missing": {}}
        with tempfile.TemporaryDirectory() as folder:
            report.write(data, Path(folder))
            text = (Path(folder) / "RESULTS.md").read_text()
        self.assertIn("## Not reached", text)
        self.assertIn("reading the YAML file", text)
        self.assertIn("the machine was not quiet", text)

    def test_rows_of_another_system_come_first_and_keep_ours(self):
        ours = {"rows": {"bulk_up": entry({"gateway": [9.0]}), "idle": entry({"gateway": [1.0]})},
                "machine": {}, "versions": {}, "missing": {}}
        other = {**ours, "rows": {"bulk_up": entry({"gateway": [3.0]})}, "system": "Debian 13"}
        rows = report.merged(ours, other)["rows"]
        self.assertEqual(rows["bulk_up"]["values"], {"gateway": [3.0]})
        self.assertEqual(rows["bulk_up"]["also"]["values"], {"gateway": [9.0]})
        self.assertEqual(rows["idle"], ours["rows"]["idle"])
        self.assertIs(report.merged(ours, report.load(Path("not/there"))), ours)


class Plot(unittest.TestCase):
    def test_bars_scale_and_text_is_escaped(self):
        svg = bar_chart("a < b", "µs", [Bar("x & y", 5, "peer"), Bar("z", 10, "gateway", 9, 11)], 8)
        root = ElementTree.fromstring(svg)
        widths = [float(rect.get("width")) for rect in root.iter("{http://www.w3.org/2000/svg}rect")]
        self.assertAlmostEqual(widths[1] * 2, widths[2], places=0)

    def test_numbers(self):
        self.assertEqual([number(v) for v in (1234.5, 12.345, 0.5)], ["1,234", "12.3", "0.5"])


class Routes(unittest.TestCase):
    def test_ten_thousand_and_a_rest(self):
        text, targets = many_routes()
        self.assertEqual(len(targets), 10_000)
        self.assertEqual(text.count("name:"), 10_001)
        self.assertEqual(len({target.line() for target in targets}), 10_000)

    def test_wrk_script_holds_every_request(self):
        _, targets = many_routes(0.01)
        with tempfile.TemporaryDirectory() as folder:
            script = wrk_script(targets, Path(folder) / "hits.lua").read_text()
        self.assertEqual(script.count("wrk.format"), len(targets))


if __name__ == "__main__":
    unittest.main()
