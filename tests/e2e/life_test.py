"""Reload, restart, drain and outages under load: nothing is lost. GATEWAY_E2E_RELOADS scales the
first test (600 is the full one)."""

import os
import signal
import sys
import threading

from harness import CONFIG, Load, System, run_tests, wait_until

TOKEN = {"Authorization": "mytoken"}
RELOADS = int(os.environ.get("GATEWAY_E2E_RELOADS", "150"))


def mixed_load(system):
    loads = [Load(system), Load(system, tls=True), Load(system, "POST", "/jobs", TOKEN),
             Load(system, "POST", "/jobs", TOKEN, tls=True)]
    for load in loads:
        load.start()
    return loads


def no_failures(loads):
    failures = [failure for load in loads for failure in load.stop().failures]
    assert not failures, f"{len(failures)} failed, the first: {failures[:3]}"
    assert all(load.done > 0 for load in loads), "a client got no answer at all"
    return sum(load.done for load in loads)


def changed(system, number):
    """A configuration that differs from its neighbours in routes, endpoints or filters."""
    settings = dict(system.settings)
    kind = number % 4
    if kind == 0:
        settings["more_routes"] = "".join(
            f"  - {{name: extra-{number}-{i}, match: {{path_prefix: /extra/{number}/{i}}}, "
            f"respond: {{status: 204}}}}\n" for i in range(20))
    elif kind == 1:
        ports = system.app_a_ports[:2 + number % 2]
        settings["app_a"] = ", ".join(f'"127.0.0.1:{port}"' for port in ports)
    elif kind == 2:
        settings["global_filters"] = f", {{type: body_limit, size: {number + 1}KiB}}"
    else:
        system.make_certificate("server", ("localhost", f"n{number}.example"))
        settings["balancer"] = ("least_request", "round_robin")[number // 4 % 2]
    return CONFIG.format(**settings)


def broken(system, number):
    return (CONFIG.format(**system.settings).replace("routes:", "routez:"),
            CONFIG.format(**system.settings).replace("upstream: app-b", "upstream: app-x"),
            "version: [1")[number % 3]


def reloads_lose_nothing():
    with System() as system:
        loads = mixed_load(system)
        valid = invalid = 0
        early = None
        before = system.metric("gateway_config_generation")
        for number in range(RELOADS):
            good = number % 3 != 2
            system.write_config(changed(system, number) if good else broken(system, number))
            ok, answer = system.reload()
            assert ok == good, answer
            valid, invalid = valid + good, invalid + (not good)
            if number == RELOADS // 6:
                early = system.resident_kib()
        late = system.resident_kib()
        done = no_failures(loads)
        generation = system.metric("gateway_config_generation")
        assert generation >= before + valid, (generation, before, valid)
        assert system.metric('gateway_reloads_total{result="failed"}') >= invalid
        print(f"   {RELOADS} files ({invalid} invalid), {done} requests, 0 failed, "
              f"resident {early} -> {late} KiB")


def endpoints_that_come_and_go_lose_no_get_and_repeat_no_post():
    with System() as system:
        gets = [Load(system), Load(system, tls=True)]
        posts = Load(system, "POST", "/jobs", TOKEN, expected=(200, 502, 503))
        for load in (*gets, posts):
            load.start()
        for turn in range(6):
            port = system.app_a_ports[turn % 3]
            wait = threading.Event()
            system.kill(f"app_a-{port}")
            wait.wait(0.5)
            system.start_app_a(port)
            wait.wait(0.5)
        no_failures(gets)
        posts.stop()
        ids = [line.split('"request_id":"')[1].split('"')[0] for port in system.app_a_ports
               for line in system.log(f"app_a-{port}").splitlines() if '"/jobs"' in line]
        assert len(ids) == len(set(ids)), "a POST was carried out twice"
        assert posts.statuses.get(200, 0) > 0


def drain_loses_nothing_for_clients_that_heed_readiness():
    with System(drain_delay="2s") as system:
        going = threading.Event()
        loads = [Load(system, tls=tls, may_dial=lambda: not going.is_set())
                 for tls in (False, True, False, True)]
        for load in loads:
            load.start()
        wait_until(lambda: all(load.done > 20 for load in loads), "load")
        gateway = system.processes["gateway"]
        gateway.send_signal(signal.SIGTERM)
        wait_until(lambda: system.admin("/readyz")[0] == 503, "readiness goes off")
        going.set()
        for load in loads:
            load.join(15)
        no_failures(loads)
        assert gateway.wait(15) == 0


def a_second_sigterm_ends_at_once():
    with System(drain_delay="60s") as system:
        gateway = system.processes["gateway"]
        gateway.send_signal(signal.SIGTERM)
        wait_until(lambda: system.admin("/readyz")[0] == 503, "readiness goes off")
        gateway.send_signal(signal.SIGTERM)
        gateway.wait(5)


def without_app_b_known_tokens_go_on_and_others_get_503():
    with System() as system:
        assert system.get("/jobs", "POST", TOKEN)[0] == 200
        # Verdicts are kept per worker: ask until both have one.
        for _ in range(40):
            system.get("/jobs", "POST", TOKEN)
        system.kill("app_b")
        for _ in range(20):
            assert system.get("/jobs", "POST", TOKEN)[0] == 200
        status, _, headers = system.get("/jobs", "POST", {"Authorization": "unknown"})
        assert status == 503 and "Retry-After" in headers, (status, headers)
        system.start_app_b()
        wait_until(lambda: system.get("/jobs", "POST", {"Authorization": "unknown"})[0] == 401,
                   "verdicts are given again", seconds=5)


if __name__ == "__main__":
    sys.exit(run_tests([reloads_lose_nothing,
                        endpoints_that_come_and_go_lose_no_get_and_repeat_no_post,
                        drain_loses_nothing_for_clients_that_heed_readiness,
                        a_second_sigterm_ends_at_once,
                        without_app_b_known_tokens_go_on_and_others_get_503]))
