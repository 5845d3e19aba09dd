"""The end of docker/compose.yaml, and what outlives it."""
import http.client
import socket
import subprocess

import yaml

from harness.engine import DOCKER, inspect, of_service, wait_until

COMPOSE = yaml.safe_load((DOCKER / "compose.yaml").read_text())
GRACE = COMPOSE["x-service"]["stop_grace_period"].removesuffix("s")


def readiness_of(container):
    return container.in_its_network("curl", "--silent", "--output", "/dev/null", "--write-out", "%{http_code}",
                                    "http://127.0.0.1:9902/readyz").stdout


def test_a_request_under_way_is_answered_by_a_gateway_that_stops(compose, visitor):
    gateway = of_service("gateway")
    with socket.create_connection(("127.0.0.1", 8080), 60) as client:
        client.sendall(f"POST /jobs HTTP/1.1\r\nHost: localhost\r\nAuthorization: {visitor.token}\r\n"
                       "Content-Length: 4\r\n\r\nha".encode())
        with subprocess.Popen(["podman", "stop", "--time", GRACE, gateway.name], stdout=subprocess.DEVNULL) as stop:
            wait_until(lambda: readiness_of(gateway) == "503", "it drains")
            client.sendall(b"lf")
            answer = http.client.HTTPResponse(client)
            answer.begin()
            assert (answer.status, answer.read()) == (200, b"Jobs:\nTitle: Devops\nDescription: Awesome\n")
        assert stop.returncode == 0
    assert inspect(gateway.name, "{{.State.ExitCode}}") == "0", gateway.log()[-500:]


def test_nothing_has_to_be_killed(compose, visitor):
    compose.run("stop")
    codes = {name.split("_")[1]: each["ExitCode"] for name, each in compose.containers().items()}
    assert len(codes) == 13
    # Python, told to end, ends by the signal.
    assert {name: code for name, code in codes.items() if code != 0} == {"hello-back": 143}


def test_another_start_has_the_same_data(compose, visitor):
    compose.run("down")
    compose.run("up", "-d", "--no-build")
    wait_until(lambda: visitor.jobs()[0] == 200, "the user of before is let in")
    own, _ = wait_until(visitor.visit, "the page counts")
    assert own > 1, "the visits of before are there"
