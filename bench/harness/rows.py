"""The rows of the report: what is measured, in which unit, and what it should come to."""

from __future__ import annotations

from dataclasses import dataclass

F0, F1 = "floor F0", "floor F1"


@dataclass(frozen=True)
class Row:
    key: str
    title: str
    unit: str
    peer_goal: float | None = None      # at most this part of the best tuned peer
    floor_goal: float | None = None     # at most this part of the floor
    absolute_goal: float | None = None  # at most this many units
    defaults_goal: float | None = None  # at most this part of the best peer at its defaults
    floor: str = F1
    more_is_better: bool = False
    against: str | None = None          # compared with this contestant rather than with peers
    why: str = ""                       # what is known of the reason, should it miss its goal


HANDSHAKE = ("1.5 of 2.29 million instructions are two multiplications on X25519, one signature and the "
             "hashing of the key schedule, which every peer with this OpenSSL pays too; decision 140 "
             "tells what of the rest was saved, and HMAC and tickets are what is left to save.")

TAILS = ("a tail of two seconds is a few dozen requests, and rounds of the floor itself differ by more than "
         "the contestants do: see the spread.")

ROWS = (
    Row("small_cpu", "HTTPS keep-alive, 41-byte answer: CPU", "µs/request", 0.85, 1.10),
    Row("small_instructions", "HTTPS keep-alive, 41-byte answer: user instructions",
        "thousand/request", 0.52, 1.55,
        why="over half of it is OpenSSL's record layer, which the floor pays too; `bench/profile` "
            "lists the rest by function: none of the gateway's own has a twentieth. Compiled with -O3 it "
            "is 0.53; the profile is what brings it below the goal."),
    Row("small_calls", "HTTPS keep-alive, 41-byte answer: system calls", "calls/request",
        0.67),
    Row("policy_cpu", "with token check, metrics and access log: CPU", "µs/request", 0.80, 1.20,
        why="the floor neither asks who it is, counts nor logs. HAProxy, which looks the token up in a "
            "map of its own, is the cheapest peer; over half of the gateway's instructions are "
            "OpenSSL's."),
    Row("policy_instructions", "with token check, metrics and access log: user instructions",
        "thousand/request", 0.80),
    Row("policy_calls", "with token check, metrics and access log: system calls", "calls/request"),
    Row("bulk_down", "10 MB bodies, backend to client: CPU", "ms/GB", 0.95,
        why="of a worker's time 58 % are the kernel's (TCP over loopback), 36 % OpenSSL's, 4 % copies of "
            "the C library and 1.3 % the gateway's own (`perf record`); the floor, which only moves the "
            "bytes, has the same shares. Buffers of 96 and 128 KiB instead of 256 and 288 were no "
            "cheaper. A new upstream connection costs up to a half more until the kernel has opened its "
            "receive window, which takes it seconds; a window bounded to 256 or 512 KiB costs nearly as much "
            "for ever. Where the processor has vector AES, Envoy's BoringSSL uses it on Debian 12 and OpenSSL "
            "3.0 does not."),
    Row("bulk_up", "10 MB bodies, client to backend: CPU", "ms/GB", 0.95,
        why="nearly all of it is decryption and the kernel's copies, which the best peer has too."),
    Row("handshake", "new connection, full handshake, 1 request: CPU", "µs/connection", 1.0, 1.10,
        defaults_goal=0.92, why=HANDSHAKE),
    Row("handshake_two", "full handshakes on 2 threads: CPU", "µs/connection", 0.80,
        why="the floor, which only shakes hands and passes bytes on, is no cheaper than the gateway: less "
            "than it costs wants another OpenSSL. " + HANDSHAKE),
    Row("handshake_scaling", "handshakes per CPU second on 2 threads against 1, times 2", "×",
        absolute_goal=1.9, more_is_better=True,
        why="two threads and the clients compete for the caches of two cores, so part of the loss is "
            "the machine's: see how far the peers come."),
    Row("idle", "idle TLS connection: resident memory", "KiB", 1.0,
        why="92 % of it is OpenSSL's state, which the floor has too; the rest is nginx's to a tenth of a "
            "KiB."),
    Row("routes_cpu", "10,000 routes, 1,000 of them hit: CPU", "µs/request", 1.05,
        against="gateway, 1 route",
        why="not by looking the route up, as the instructions say: each of the 1,000 routes that are hit "
            "at random has counters, histogram and rates of its own, which are in the cache when there "
            "is one route and come from memory when there are 1,000."),
    Row("routes_instructions", "10,000 routes, 1,000 of them hit: user instructions",
        "thousand/request", 1.05, against="gateway, 1 route"),
    Row("p99", "99th percentile, open loop at 60 % of the best peer's capacity", "µs", 1.0, 1.5, why=TAILS),
    Row("p999", "99.9th percentile of the same load", "µs", 1.0, 1.5, why=TAILS),
    Row("reload", "one route changed among 10,000, file to live", "ms", absolute_goal=30,
        why="most of the time goes into reading the YAML file, all of it for one changed line."),
    Row("memory", "resident memory with 5,000 routes", "MB", absolute_goal=40),
    Row("cluster_start", "5,000 Ingresses of a cluster: start until they are served", "ms", absolute_goal=3000),
    Row("cluster_ingress", "one of 5,000 Ingresses changed: from the API server's event to every worker", "ms",
        absolute_goal=50),
    Row("cluster_endpoints", "endpoints of one of 1,000 Services changed, likewise", "ms", absolute_goal=50),
    Row("cluster_certificate", "one of 500 certificates renewed, likewise", "ms", absolute_goal=50),
    Row("cluster_memory", "resident memory with that cluster", "MB", absolute_goal=60),
)
