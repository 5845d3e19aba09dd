"""make demo-nomad from outside, with both drivers: what it serves and shows, and that it leaves nothing."""
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys

import pytest

from harness.cluster import ROOT, wait_until

sys.path.insert(0, str(ROOT / "tests/tools"))
from demo_process import Demo, ask, gone, work_tree


@pytest.fixture
def state(networks, tmp_path):
    """A folder that the user postgres may enter."""
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(folder.stat().st_mode | 0o011)
    made = tmp_path / "state"
    made.mkdir(mode=0o755)
    return str(made)


def processes():
    return {int(each.name) for each in pathlib.Path("/proc").iterdir() if each.name.isdigit()}


def folders():
    return set(pathlib.Path("/tmp").glob("demo-nomad.*"))


class Docker:
    """A daemon that is not the demo's own. The jobs need no network of it."""

    def __init__(self, folder):
        self.address = f"unix://{folder}/socket"
        self.log = folder / "log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                ["dockerd", "--iptables=false", "--ip6tables=false", "--bridge=none", "--data-root", folder / "data",
                 "--exec-root", folder / "run", "--pidfile", folder / "pid", "--host", self.address], stdout=log, stderr=log)
        wait_until(lambda: self.ask("info").returncode == 0, lambda: self.log.read_text()[-3000:])

    def ask(self, *arguments):
        assert self.process.poll() is None, self.log.read_text()[-3000:]
        return subprocess.run(["docker", "--host", self.address, *arguments], capture_output=True, text=True, timeout=30,
                              check=False)

    def list(self, *arguments):
        return self.ask(*arguments).stdout.split()

    def stop(self):
        self.process.terminate()
        self.process.wait(60)


@pytest.fixture
def docker(networks, tmp_path_factory):
    made = Docker(tmp_path_factory.mktemp("docker"))
    yield made
    made.stop()


def test_containers_and_images_are_gone_from_a_docker_of_others(state, docker):
    """All else is as in the next test."""
    before = processes()
    demo = Demo("demo-nomad", DEMO_STATE=state, DEMO_DRIVER="docker", DOCKER_HOST=docker.address)
    try:
        assert demo.process.poll() is None, demo.said
        assert ask("http://127.0.0.1:5400/jobs", "mytoken", "POST") == (200, b"Jobs:\nTitle: Devops\nDescription: Awesome\n")
        images = docker.list("ps", "--format", "{{.Image}}")
        names = {docker.list("image", "inspect", "--format", "{{index .RepoTags 0}}", each)[0] for each in images}
        assert names == {f"demo-nomad/{name}:demo" for name in ("gateway", "app-a", "app-b", "nomad-autoscaler")}
        demo.read_until("App A: 1 -> ")
        demo.read_until("-> 1 ")
    finally:
        status = demo.end(signal.SIGINT)
    assert status == 0, demo.said
    assert "Complete requests: 500\n" in demo.said and "Failed requests: 0\n" in demo.said
    assert docker.list("ps", "-aq") == [] and docker.list("images", "-q") == []
    assert gone(processes() - before)


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
    assert gone(processes() - before)
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
