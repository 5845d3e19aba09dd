"""make demo-visitors, demo-hello and demo-clean from outside."""
import os
import pathlib
import re
import signal
import socket
import stat
import subprocess
import tempfile
import time

import pytest

from demo_process import ROOT, Demo, ask, enter_own_network, gone, work_tree

COUNTS = re.compile(rb'<dd id="(?:own|visitors)">(\d+)</dd>')


@pytest.fixture(scope="module", autouse=True)
def own_network():
    enter_own_network()


@pytest.fixture
def state():
    """A folder that the user postgres may enter."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        yield folder


@pytest.fixture
def run(state):
    """Starts a demo that keeps its data in `state`, and ends it."""
    started = []

    def start(name, **environment):
        started.append(Demo(name, DEMO_STATE=state, **environment))
        return started[-1]

    yield start
    for demo in started:
        if demo.process.poll() is None:
            demo.end(signal.SIGTERM)


def eventually(condition):
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "did not happen within 30 s"
        time.sleep(0.02)


def clean(state):
    return subprocess.run([ROOT / "tools/demo-clean"], env={**os.environ, "DEMO_STATE": state},
                          capture_output=True, text=True, timeout=60, check=False)


def test_hello_answers_keeps_its_password_to_itself_and_leaves_nothing(run, state):
    before = work_tree()
    demo = run("demo-hello")
    assert demo.process.poll() is None, demo.said
    assert ask("http://127.0.0.1:5300/") == (200, b"Hello, world!")
    assert ask("http://127.0.0.1:5300/other")[0] == 404
    secrets = sorted(pathlib.Path(state, "secrets").glob("*.pgpass"))
    assert [file.name for file in secrets] == ["hello.pgpass", "postgres.pgpass"]
    assert {stat.S_IMODE(file.stat().st_mode) for file in secrets} == {0o600}
    passwords = [file.read_text().strip().rsplit(":", 1)[1] for file in secrets]
    children = demo.children()
    assert {name: len(pids) for name, pids in children.items()} == {
        "gateway": 1, "hello": 1, "python3": 1, "postgres": 1}
    for pid in sum(children.values(), []):
        shown = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes() + pathlib.Path(
            f"/proc/{pid}/environ").read_bytes()
        assert not any(password.encode() in shown for password in passwords), "a password shows"
    assert demo.end(signal.SIGINT) == 0, demo.said
    assert gone(sum(children.values(), []))
    assert work_tree() == before


def test_visitors_counts_and_goes_on_counting_after_a_restart(run, state):
    demo = run("demo-visitors", USER_NAME="Ann", USER_URL="https://ann.example/")
    assert demo.process.poll() is None, demo.said
    assert COUNTS.findall(ask("http://127.0.0.1:5200/")[1]) == [b"1", b"1"]
    status, page = ask("http://127.0.0.1:5200/")
    assert COUNTS.findall(page) == [b"2", b"1"] and b">Ann</a>" in page
    children = demo.children()
    assert {name: len(pids) for name, pids in children.items()} == {
        "gateway": 1, "visitors": 2, "postgres": 1}
    assert demo.end(signal.SIGINT) == 0, demo.said
    assert gone(sum(children.values(), []))
    run("demo-visitors")
    assert COUNTS.findall(ask("http://127.0.0.1:5200/")[1]) == [b"3", b"1"]


def test_a_database_that_ends_comes_back_and_the_page_with_it(run, state):
    demo = run("demo-visitors")
    os.kill(demo.children()["postgres"][0], signal.SIGINT)
    demo.read_until("the database ended")
    eventually(lambda: ask("http://127.0.0.1:5200/")[0] == 503)
    assert b"Its database does not answer" in ask("http://127.0.0.1:5200/")[1]
    eventually(lambda: ask("http://127.0.0.1:5200/")[0] == 200)
    children = demo.children()
    assert demo.end(signal.SIGINT) == 0
    assert gone(sum(children.values(), []))


def test_both_run_side_by_side(run):
    with tempfile.TemporaryDirectory() as other:
        os.chmod(other, 0o755)
        run("demo-hello")
        visitors = Demo("demo-visitors", DEMO_STATE=other)
        try:
            assert ask("http://127.0.0.1:5300/")[0] == 200
            assert ask("http://127.0.0.1:5200/")[0] == 200
        finally:
            assert visitors.end(signal.SIGINT) == 0


def test_a_taken_port_is_one_sentence_with_the_mend(run):
    with socket.create_server(("127.0.0.1", 5213)):
        demo = run("demo-visitors")
        assert demo.end() == 1
    assert re.fullmatch(r"demo-visitors: port 5213 is taken.*: stop what listens there, or move the demo's "
                        r"by VISITORS_POSTGRES_PORT=PORT, and run make demo-visitors again\n", demo.said)


def test_killed_they_still_leave_no_process(run):
    for name in ("demo-hello", "demo-visitors"):
        demo = run(name)
        children = demo.children()
        demo.end(signal.SIGKILL)
        assert gone(sum(children.values(), [])), name


def test_data_without_its_password_is_one_sentence_with_the_mend(run, state):
    run("demo-hello").end(signal.SIGINT)
    pathlib.Path(state, "secrets/postgres.pgpass").unlink()
    demo = run("demo-hello")
    assert demo.end() == 1
    assert re.fullmatch(r"demo-hello: \S+ was made by .*: run make demo-clean, .*\n", demo.said)


def test_clean_refuses_while_a_demo_runs_and_removes_all_afterwards(run, state):
    demo = run("demo-hello")
    refused = clean(state)
    assert refused.returncode == 1
    assert re.fullmatch(r"demo-clean: a demo still uses .* \(process %d\): stop it with Ctrl-C and run make "
                        r"demo-clean again\n" % demo.process.pid, refused.stderr)
    assert demo.end(signal.SIGINT) == 0
    assert clean(state).returncode == 0
    assert not pathlib.Path(state).exists()
    os.mkdir(state)
    pathlib.Path(state, "precious").touch()
    assert clean(state).returncode == 1
    assert pathlib.Path(state, "precious").exists()
