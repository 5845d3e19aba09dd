import unittest

from bench.harness.contestants import parse_version, render
from bench.harness.counts import parse_callgrind, parse_strace
from bench.harness.load import LoadError, parse_h2load, parse_own, parse_wrk
from bench.harness.machine import parse_busy_ticks
from bench.harness.profile import parse_annotate

WRK = """Running 3s test @ https://localhost:1/jobs
  1 threads and 32 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   735.65us  209.05us   4.10ms   86.91%
  129530 requests in 3.00s, 19.76MB read
Requests/sec:  43167.03
"""

H2LOAD = """finished in 93.40ms, 21413.92 req/s, 3.29MB/s
requests: 2000 total, 2000 started, 2000 done, 1990 succeeded, 10 failed, 0 errored, 0 timeout
status codes: 1990 2xx, 0 3xx, 10 4xx, 0 5xx
"""

STRACE = """% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 38.05    0.010283           2      4000           write
 31.00    0.008000           2      4004         3 read
  0.10    0.000010           1         2           total_but_not
------ ----------- ----------- --------- --------- ----------------
100.00    0.027026           2      8006         3 total
"""


class Wrk(unittest.TestCase):
    def test_counts_requests(self):
        load = parse_wrk(WRK)
        self.assertEqual((load.requests, load.failed, load.seconds), (129530, 0, 3.0))

    def test_counts_every_kind_of_failure(self):
        text = WRK + ("  Socket errors: connect 1, read 2, write 3, timeout 4\n"
                      "  Non-2xx or 3xx responses: 5\n")
        self.assertEqual(parse_wrk(text).failed, 15)

    def test_minutes(self):
        self.assertEqual(parse_wrk("  5 requests in 1.50m, 1KB read").seconds, 90)

    def test_refuses_other_text(self):
        with self.assertRaises(LoadError):
            parse_wrk("unable to connect to localhost")


class H2load(unittest.TestCase):
    def test_failed_is_all_but_2xx(self):
        load = parse_h2load(H2LOAD)
        self.assertEqual((load.requests, load.failed), (2000, 10))
        self.assertAlmostEqual(load.seconds, 0.0934)

    def test_refuses_other_text(self):
        with self.assertRaises(LoadError):
            parse_h2load("")


class Own(unittest.TestCase):
    def test_reads_the_last_line(self):
        self.assertEqual(parse_own('noise\n{"requests": 3}\n'), {"requests": 3})

    def test_refuses_other_text(self):
        for text in ("", "no\n"):
            with self.assertRaises(LoadError):
                parse_own(text)


class Counts(unittest.TestCase):
    def test_strace_calls_by_name_without_the_total(self):
        self.assertEqual(parse_strace(STRACE), {"write": 4000, "read": 4004, "total_but_not": 2})

    def test_callgrind_total(self):
        self.assertEqual(parse_callgrind("events: Ir\nsummary: 12\n1 2\ntotals: 12345\n"), 12)
        self.assertEqual(parse_callgrind("events: Ir\ntotals: 12345\n"), 12345)

    def test_callgrind_without_total(self):
        with self.assertRaises(ValueError):
            parse_callgrind("events: Ir\n")


class Annotate(unittest.TestCase):
    def test_functions_without_files(self):
        text = ("12,345 (100.0%)  PROGRAM TOTALS\n"
                "  1,200  a.cc:ns::f(int) [/bin/gateway]\n"
                "     34  ???:0x0000000000052e40 [/usr/lib/libssl.so.3]\n")
        self.assertEqual(parse_annotate(text),
                         {"ns::f(int)": 1200, "libssl.so.3 0x0000000000052e40": 34})


class Versions(unittest.TestCase):
    def test_the_number_a_program_says(self):
        for text, number in [("nginx version: nginx/1.22.1", "1.22.1"),
                             ("  version: 9e5580933739775e/1.40.0/Clean/RELEASE/BoringSSL", "1.40.0"),
                             ("HAProxy version 2.6.12-1+deb12u4 2026/01/01", "2.6.12-1+deb12u4"),
                             ("unknown", "unknown")]:
            self.assertEqual(parse_version(text), number)


class Machine(unittest.TestCase):
    def test_idle_and_waiting_for_a_disk_are_not_busy(self):
        self.assertEqual(parse_busy_ticks("cpu  1 2 4 1000 2000 8 16 32 64 128\ncpu0 1 1"), 63)


class Render(unittest.TestCase):
    def test_fills_in(self):
        self.assertEqual(render("listen {{port}}; $x {y}", {"port": "1"}), "listen 1; $x {y}")

    def test_a_hole_is_an_error(self):
        with self.assertRaises(KeyError):
            render("{{port}}", {})


if __name__ == "__main__":
    unittest.main()
