"""make demo from outside: what it serves, says, and leaves behind.

The demo's ports are fixed, so the test takes a network of its own where it may.
"""
import ctypes
import fcntl
import os
import pathlib
import re
import signal
import socket
import struct
import subprocess
import time
import urllib.error
import urllib.request

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
CLONE_NEWNET, SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x40000000, 0x8913, 0x8914, 1


@pytest.fixture(scope="module", autouse=True)
def own_network():
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
        return
    with socket.socket() as control:
        request = struct.pack("16sH14x", b"lo", 0)
        flags = struct.unpack("16sH14x", fcntl.ioctl(control, SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", flags | IFF_UP))


class Demo:
    def __init__(self):
        self.process = subprocess.Popen([ROOT / "tools/demo"], cwd=ROOT, text=True,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.said = ""
        for line in self.process.stdout:
            self.said += line
            if "Stop: Ctrl-C" in line:
                break

    def children(self):
        """Process ids of the service by the program's file name."""
        text = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        found = {}
        for pid in map(int, text.split()):
            try:
                name = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0].decode()
            except (FileNotFoundError, ProcessLookupError):  # the script's own command has just ended
                continue
            if pathlib.Path(name).name in ("gateway", "app_a", "app_b"):
                found.setdefault(pathlib.Path(name).name, []).append(pid)
        return found

    def end(self, number=None):
        if number is not None:
            self.process.send_signal(number)
        rest, _ = self.process.communicate(timeout=60)
        self.said += rest
        return self.process.returncode


@pytest.fixture
def demo():
    running = Demo()
    yield running
    if running.process.poll() is None:
        running.end(signal.SIGTERM)


def ask(url, token=None, method="GET"):
    request = urllib.request.Request(url, method=method)
    if token:
        request.add_header("Authorization", token)
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read()


def gone(pids):
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if not any(pathlib.Path(f"/proc/{pid}").exists() for pid in pids):
            return True
        time.sleep(0.01)
    return False


def work_tree():
    return subprocess.check_output(["git", "status", "--porcelain"], cwd=ROOT)


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
    assert re.fullmatch(r"demo: port 5102 is taken.*: stop .* and run make demo again\n", demo.said)


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
