"""WebSocket through the real gateway, to an echo that speaks RFC 6455 by itself."""

import base64
import hashlib
import json
import os
import signal
import socket
import ssl
import struct
import sys
import threading
from pathlib import Path

from harness import CONFIG, System, run_tests, wait_until

MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, CLOSE, PING, PONG = 1, 8, 9, 10


def accept_of(key):
    return base64.b64encode(hashlib.sha1(key.encode() + MAGIC).digest()).decode()


def frame(opcode, payload, mask=b""):
    head = bytes([0x80 | opcode])
    masked = 0x80 if mask else 0
    if len(payload) < 126:
        head += bytes([masked | len(payload)])
    elif len(payload) < 65536:
        head += bytes([masked | 126]) + struct.pack("!H", len(payload))
    else:
        head += bytes([masked | 127]) + struct.pack("!Q", len(payload))
    if mask:
        payload = bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))
    return head + mask + payload


def read_frame(stream):
    """Opcode and payload; None at the end."""
    head = stream.read(2)
    if len(head) < 2:
        return None
    size = head[1] & 0x7F
    if size == 126:
        size = struct.unpack("!H", stream.read(2))[0]
    elif size == 127:
        size = struct.unpack("!Q", stream.read(8))[0]
    mask = stream.read(4) if head[1] & 0x80 else b""
    payload = stream.read(size)
    if mask:
        payload = bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))
    return head[0] & 0x0F, payload


def read_head(stream):
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        line = stream.readline()
        if not line:
            break
        head += line
    lines = head.decode().split("\r\n")
    fields = dict(line.split(": ", 1) for line in lines[1:] if ": " in line)
    return lines[0], {name.lower(): value for name, value in fields.items()}


class Echo:
    """A WebSocket server: each message comes back, a close is answered and ends the connection."""

    def __init__(self):
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port = self.listening.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.listening.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        with connection, connection.makefile("rb") as stream:
            line, fields = read_head(stream)
            if fields.get("upgrade") != "websocket" or "Upgrade" not in fields.get("connection", ""):
                connection.sendall(b"HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\n\r\n")
                return
            assert line.startswith("GET /chat "), line
            connection.sendall(
                ("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                 f"Sec-WebSocket-Accept: {accept_of(fields['sec-websocket-key'])}\r\n\r\n").encode())
            while (got := read_frame(stream)) is not None:
                opcode, payload = got
                connection.sendall(frame(PONG if opcode == PING else opcode, payload))
                if opcode == CLOSE:
                    return


class WebSocket:
    """A client on the gateway's port."""

    def __init__(self, system, tls=False):
        port = system.settings["https" if tls else "http"]
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        if tls:
            context = ssl._create_unverified_context()
            self.socket = context.wrap_socket(self.socket, server_hostname="localhost")
        self.stream = self.socket.makefile("rb")
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(
            f"GET /chat HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode())
        line, fields = read_head(self.stream)
        assert line.startswith("HTTP/1.1 101 "), line
        assert fields["sec-websocket-accept"] == accept_of(key), fields
        assert fields["upgrade"].lower() == "websocket" and fields["connection"] == "Upgrade", fields

    def say(self, payload, opcode=TEXT):
        self.socket.sendall(frame(opcode, payload, os.urandom(4)))
        return read_frame(self.stream)

    def close(self):
        assert self.say(struct.pack("!H", 1000), CLOSE) == (CLOSE, struct.pack("!H", 1000))
        assert self.stream.read() == b"", "the server ends first (RFC 6455, 7.1.1)"
        self.stream.close()  # the socket stays open for as long as this is
        self.socket.close()


ROUTES = """\
  - {name: chat, match: {path: /chat}, forward: chat}
"""


class Chat(System):
    """The usual system with a route to an echo."""

    def __init__(self, **settings):
        super().__init__(more_routes=ROUTES, **settings)
        self.echo = Echo()

    def write_config(self, text=None):
        text = CONFIG.format(**self.settings) if text is None else text
        super().write_config(text.replace(
            "upstreams:\n", f'upstreams:\n  - {{name: chat, endpoints: ["127.0.0.1:{self.echo.port}"]}}\n'))

    def lines(self, route):
        text = Path(self.folder / "access.log").read_text()
        entries = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
        return [entry for entry in entries if entry.get("route") == route]


def messages_pass_both_ways():
    with Chat() as system:
        sent = 0
        for tls in (False, True):
            client = WebSocket(system, tls)
            for payload in (b"", b"hello", b"x" * 300, os.urandom(70000)):
                assert client.say(payload) == (TEXT, payload)
            assert client.say(b"?", PING) == (PONG, b"?")
            client.close()
            sent += 1
        wait_until(lambda: len(system.lines("chat")) == sent, "each tunnel is logged when it ends")
        for entry in system.lines("chat"):
            # Frames of the client have a mask of four bytes, the others none.
            assert entry["status"] == 101 and entry["flag"] == "-", entry
            assert entry["bytes_in"] - entry["bytes_out"] == 4 * 6, entry
            assert entry["bytes_out"] == 2 + 7 + 304 + 70010 + 3 + 4, entry
        assert system.metric('gateway_requests_total{route="chat",class="1xx"}') == sent


def a_reload_closes_none():
    with Chat() as system:
        client = WebSocket(system)
        system.settings["more_routes"] = ROUTES + \
            "  - {name: extra, match: {path: /extra}, respond: {status: 204}}\n"
        system.write_config()
        ok, answer = system.reload()
        assert ok and answer["result"] != "unchanged", answer
        assert client.say(b"still") == (TEXT, b"still")
        client.close()


def a_drain_waits_for_it_until_the_deadline():
    with Chat() as system:
        client = WebSocket(system)
        gateway = system.processes["gateway"]
        gateway.send_signal(signal.SIGTERM)
        wait_until(lambda: not listens(system.settings["http"]), "nobody new is let in")
        assert client.say(b"draining") == (TEXT, b"draining")
        client.close()
        assert gateway.wait(20) == 0, "the last tunnel was all that it waited for"


def the_deadline_ends_what_is_left():
    with Chat() as system:
        system.write_config(CONFIG.format(**system.settings).replace("deadline: 10s",
                                                                     "deadline: 1s"))
        assert system.reload()[0]
        client = WebSocket(system)
        gateway = system.processes["gateway"]
        gateway.send_signal(signal.SIGTERM)
        assert client.stream.read() == b"", "an end, and no bytes of the gateway's own"
        gateway.wait(20)
        wait_until(lambda: len(system.lines("chat")) == 1, "it is logged")
        assert system.lines("chat")[0]["flag"] == "DR", system.lines("chat")


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


if __name__ == "__main__":
    run_tests([messages_pass_both_ways, a_reload_closes_none, a_drain_waits_for_it_until_the_deadline,
               the_deadline_ends_what_is_left])
    sys.exit(0)
