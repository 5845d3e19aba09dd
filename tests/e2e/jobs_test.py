"""The exercises' own commands against the gateway, and who may reach what."""

import socket
import ssl
import subprocess
import sys
import time
import urllib.request

from harness import BIN, JOBS, System, run_tests


def ab(url):
    out = subprocess.run(["ab", "-q", "-m", "POST", "-H", "Authorization: mytoken", "-n", "500",
                          "-c", "4", url], capture_output=True, text=True, check=True).stdout
    facts = dict(line.split(":", 1) for line in out.splitlines() if ":" in line)
    return {name: facts[name].split()[0]
            for name in ("Complete requests", "Failed requests", "Document Length")}


def load_tool_lines_of_the_exercises():
    with System() as system:
        for url in (f"http://127.0.0.1:{system.settings['http']}/jobs",
                    f"https://127.0.0.1:{system.settings['https']}/jobs"):
            assert ab(url) == {"Complete requests": "500", "Failed requests": "0",
                               "Document Length": "41"}, url


def app_a_requests(system):
    """All that App A has answered, by its own count."""
    total = 0
    for port in system.app_a_ports:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            total += sum(float(line.rsplit(b" ", 1)[1]) for line in answer
                         if line.startswith(b"gateway_requests_total{"))
    return total


def tokens_decide_before_app_a_sees_anything():
    with System() as system:
        for headers, status in (({"Authorization": "mytoken"}, 200),
                                ({"Authorization": "Bearer mytoken"}, 200),
                                ({"Authorization": "wrong"}, 401), ({}, 401),
                                ({"Authorization": "Basic bXl0b2tlbg=="}, 401)):
            got, body, answer = system.get("/jobs", "POST", headers)
            assert got == status, (headers, got)
            if status == 200:
                assert body == JOBS
            else:
                assert "Bearer" in answer["WWW-Authenticate"]
        assert app_a_requests(system) == 2


def app_b_is_out_of_reach():
    with System() as system:
        for host in ("app-b", f"127.0.0.1:{system.settings['app_b']}", "localhost"):
            for path in ("/auth", f"http://127.0.0.1:{system.settings['app_b']}/auth", "//auth",
                         "/hello/../auth"):
                connection = system.connection()
                connection.putrequest("POST", path, skip_host=True)
                connection.putheader("Host", host)
                connection.putheader("Content-Length", "13")
                connection.endheaders(b"token=mytoken")
                assert connection.getresponse().status in (400, 404), (host, path)
                connection.close()
        assert "/auth" not in system.log("app_b")


def no_built_in_path_on_public_listeners():
    with System() as system:
        for path in ("/metrics", "/healthz", "/readyz", "/config", "/"):
            assert system.get(path)[0] == 404, path


def a_client_that_gathers_small_writes_need_not_wait():
    """With Nagle's algorithm, as ab has it, a request behind the end of the handshake waits for the
    acknowledgement of that, which the system puts off for 40 ms at least: always, if nobody hurries.
    The quickest of twenty can beat that on any machine."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    waits = []
    with System() as system:
        for _ in range(20):
            with socket.create_connection(("127.0.0.1", system.settings["https"]), 10) as tcp, \
                    context.wrap_socket(tcp, server_hostname="localhost") as tls:
                began = time.monotonic()
                tls.sendall(b"GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n")
                assert tls.recv(12) == b"HTTP/1.1 200"
                waits.append(time.monotonic() - began)
    assert min(waits) < 0.04, waits


def a_second_gateway_refuses_to_start():
    with System() as system:
        second = subprocess.run([BIN / "gateway", "--config", system.folder / "gateway.yaml"],
                                capture_output=True, text=True, timeout=30, check=False)
        assert second.returncode == 1, second.returncode
        assert "another process listens there" in second.stderr, second.stderr
        assert system.get("/hello")[0] == 200


if __name__ == "__main__":
    sys.exit(run_tests([load_tool_lines_of_the_exercises, tokens_decide_before_app_a_sees_anything,
                        app_b_is_out_of_reach, no_built_in_path_on_public_listeners,
                        a_client_that_gathers_small_writes_need_not_wait,
                        a_second_gateway_refuses_to_start]))
