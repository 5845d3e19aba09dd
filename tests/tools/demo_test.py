"""make demo from outside: what it serves, says, and leaves behind."""
import os
import re
import signal
import socket

import pytest

from demo_process import Demo, ask, enter_own_network, gone, work_tree


@pytest.fixture(scope="module", autouse=True)
def own_network():
    enter_own_network()


@pytest.fixture
def demo():
    running = Demo()
    yield running
    if running.process.poll() is None:
        running.end(signal.SIGTERM)


def test_serves_says_where_and_leaves_nothing(demo):
    before = work_tree()
    assert demo.process.poll() is None, demo.said
    for word in ("http://127.0.0.1:5000/jobs", "https://127.0.0.1:8443/jobs", "http://127.0.0.1:9901/"):
        assert word in demo.said
    status, body = ask("http://127.0.0.1:5000/jobs", "mytoken", "POST")
    assert (status, body) == (200, b"Jobs:\nTitle: Devops\nDescription: Awesome\n")
    assert ask("http://127.0.0.1:5000/jobs", "wrong", "POST")[0] == 401
    children = demo.children()
    assert {name: len(pids) for name, pids in children.items()} == {"gateway": 1, "app_a": 3, "app_b": 1}
    assert demo.end(signal.SIGINT) == 0, demo.said
    assert gone(sum(children.values(), []))
    assert work_tree() == before


def test_a_taken_port_is_one_sentence_with_the_mend():
    with socket.create_server(("127.0.0.1", 5102)):
        demo = Demo()
        assert demo.end() == 1
    assert re.fullmatch(r"demo: port 5102 is taken by \S+ \(process %d\): stop what listens there, or move "
                        r"the demo's by JOBS_APP_A_2_PORT=PORT, and run make demo again\n" % os.getpid(),
                        demo.said)


def test_a_port_moves_by_its_variable():
    demo = Demo(JOBS_HTTP_PORT="5099")
    try:
        assert "http://127.0.0.1:5099/jobs" in demo.said
        assert ask("http://127.0.0.1:5099/jobs", "mytoken", "POST")[0] == 200
    finally:
        assert demo.end(signal.SIGINT) == 0
    refused = Demo(JOBS_HTTP_PORT="http")
    assert refused.end() == 1
    assert refused.said.startswith("demo: JOBS_HTTP_PORT is 'http', which is no port: ")


def test_when_one_program_dies_everything_stops_and_it_is_said(demo):
    children = demo.children()
    os.kill(children["app_a"][0], signal.SIGKILL)
    assert demo.end() == 1
    assert re.search(r"demo: app_a-510\d ended by itself \(status 137\)", demo.said)
    assert gone(sum(children.values(), []))


def test_killed_it_still_leaves_no_process(demo):
    children = demo.children()
    demo.end(signal.SIGKILL)
    assert gone(sum(children.values(), []))
