"""Waiting for what nothing announces, and ports to wait on."""
import socket
import time

_given: set[int] = set()


def free_port():
    """Each once: a port that nobody has bound yet is free to the system, and may be found again."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        if port not in _given:
            _given.add(port)
            return port


def connects(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        return True
    except OSError:
        return False


def wait_until(condition, what, seconds=30):
    """Polls: the bound is for a machine that is busy, not a time to wait."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError(f"did not happen within {seconds} s: {what}")
