"""A demo as a person starts it, for the tests of each."""
import ctypes
import fcntl
import os
import pathlib
import signal
import socket
import struct
import subprocess
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
CLONE_NEWNET, SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x40000000, 0x8913, 0x8914, 1

# A shell that starts the tests in its background makes them ignore SIGINT, and the demos would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)


def enter_own_network():
    """The demos' ports are fixed, so a test takes a network of its own where it may."""
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
        return
    with socket.socket() as control:
        request = struct.pack("16sH14x", b"lo", 0)
        flags = struct.unpack("16sH14x", fcntl.ioctl(control, SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", flags | IFF_UP))


class Demo:
    def __init__(self, name="demo", **environment):
        self.process = subprocess.Popen([ROOT / "tools" / name], cwd=ROOT, text=True,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        env={**os.environ, **environment})
        self.said = ""
        self.read_until("Stop: Ctrl-C")

    def read_until(self, words):
        for line in self.process.stdout:
            self.said += line
            if words in line:
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
            if pathlib.Path(name).name not in ("sleep", "bash"):
                found.setdefault(pathlib.Path(name).name, []).append(pid)
        return found

    def end(self, number=None):
        if number is not None:
            self.process.send_signal(number)
        rest, _ = self.process.communicate(timeout=60)
        self.said += rest
        return self.process.returncode


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
