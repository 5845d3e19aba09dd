"""make demo-nomad from outside, with raw_exec: what it serves and shows, and that it leaves nothing."""
import contextlib
import os
import pathlib
import re
import signal
import socket
import sys

import pytest

from harness.cluster import ROOT, wait_until

sys.path.insert(0, str(ROOT / "tests/tools"))
from demo_process import Demo, ask, work_tree


@pytest.fixture
def state(networks, tmp_path):
    """A folder that the user postgres may enter."""
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(folder.stat().st_mode | 0o011)
    made = tmp_path / "state"
    made.mkdir(mode=0o755)
    return str(made)


def processes():
    """Number -> name, without those that ended: pytest adopts who lost its parent here, and does not wait for them."""
    found = {}
    for each in pathlib.Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            name, state = (each / "stat").read_text().partition("(")[2].rpartition(")")[::2] if each.name.isdigit() else ("", "Z")
            if state.split()[0] != "Z":
                found[int(each.name)] = name
    return found


def folders():
    return set(pathlib.Path("/tmp").glob("demo-nomad.*"))


def test_app_a_comes_and_goes_with_the_exercises_own_load_and_nothing_stays(state):
    before, tree, kept = processes(), work_tree(), folders()
    demo = Demo("demo-nomad", DEMO_STATE=state, DEMO_DRIVER="raw_exec")
    try:
        assert demo.process.poll() is None, demo.said
        assert "driver raw_exec" in demo.said and "http://127.0.0.1:5400/jobs" in demo.said
        assert ask("http://127.0.0.1:5400/jobs", "mytoken", "POST") == (200, b"Jobs:\nTitle: Devops\nDescription: Awesome\n")
        assert ask("http://127.0.0.1:5400/jobs", "wrong", "POST")[0] == 401
        # Others on the machine run no jobs.
        assert ask("http://127.0.0.1:5446/v1/jobs")[0] == 403
        assert pathlib.Path(state, "nomad-token").stat().st_mode & 0o777 == 0o600
        # Two of the three may be seen first, or two alone where one is slow to start.
        demo.read_until("App A: 1 -> ")
        demo.read_until("-> 1 ")
    finally:
        status = demo.end(signal.SIGINT)
    assert status == 0, demo.said
    assert "Complete requests: 500\n" in demo.said and "Failed requests: 0\n" in demo.said
    wait_until(lambda: processes().keys() <= before.keys(), processes)
    assert folders() == kept and work_tree() == tree


def test_a_taken_port_is_one_sentence_with_the_mend(state):
    with socket.create_server(("127.0.0.1", 5446)):
        demo = Demo("demo-nomad", DEMO_STATE=state)
        assert demo.end() == 1
    assert re.fullmatch(r"demo-nomad: port 5446 is taken by \S+ \(process %d\): stop what listens there, or move the "
                        r"demo's by DEMO_NOMAD_PORT=PORT, and run make demo-nomad again\n" % os.getpid(), demo.said)


def test_a_driver_that_is_none_is_one_sentence_with_the_mend(state):
    demo = Demo("demo-nomad", DEMO_STATE=state, DEMO_DRIVER="podman")
    assert demo.end() == 1
    assert demo.said == "demo-nomad: DEMO_DRIVER is 'podman': it is docker or raw_exec, or left out\n"
