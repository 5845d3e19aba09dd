"""An API server that says what it was told, as fast as it can: lists as streams, then changes. A
process of its own, so that nobody's work delays its word. Behind the Services that it tells of are two
backends, which say who they are.

`PUT /collection/path` with an object puts it there and tells the watches; the answer says when it began
to (CLOCK_MONOTONIC, which all processes share)."""

from __future__ import annotations

import http.server
import json
import socket
import socketserver
import sys
import threading
import time
import urllib.parse

ANSWER = b"Jobs:\nTitle: Devops\nDescription: Awesome\n"
LIST_END = {"type": "BOOKMARK", "object": {"metadata": {
    "resourceVersion": "1000000", "annotations": {"k8s.io/initial-events-end": "true"}}}}


class Objects:
    """By collection and name, and who watches them."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.version = 1_000_000
        self.texts: dict[str, dict[tuple[str, str], str]] = {}
        self.watches: dict[str, list[Watch]] = {}

    def put(self, path: str, new: dict) -> float:
        metadata = new["metadata"]
        name = (metadata.get("namespace", ""), metadata["name"])
        with self.lock:
            self.version += 1
            metadata["resourceVersion"] = str(self.version)
            text = json.dumps(new)
            texts = self.texts.setdefault(path, {})
            event = f'{{"type":"{"MODIFIED" if name in texts else "ADDED"}","object":{text}}}\n'.encode()
            texts[name] = text
            at = time.monotonic()
            for watch in self.watches.get(path, []):
                if watch.selects(*name):
                    watch.write(event)
        return at

    def follow(self, path: str, watch: Watch, whole: bool) -> None:
        with self.lock:
            if whole:
                # Large writes, as a server's buffers make them.
                watch.write("".join(f'{{"type":"ADDED","object":{text}}}\n'
                                    for name, text in self.texts.get(path, {}).items()
                                    if watch.selects(*name)).encode())
                watch.write(json.dumps(LIST_END).encode() + b"\n")
            self.watches.setdefault(path, []).append(watch)

    def leave(self, path: str, watch: Watch) -> None:
        with self.lock:
            self.watches[path].remove(watch)


class Watch:
    """A chunked answer that does not end; of all objects, of a namespace or of one of them."""

    def __init__(self, connection: socket.socket, namespace: str, name: str):
        self.connection, self.namespace, self.name = connection, namespace, name

    def selects(self, namespace: str, name: str) -> bool:
        return self.namespace in ("", namespace) and self.name in ("", name)

    def write(self, text: bytes) -> None:
        if not text:
            return
        try:
            self.connection.sendall(b"%x\r\n%b\r\n" % (len(text), text))
        except OSError:
            pass  # it has left; whoever reads from it notices


class ApiHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    objects: Objects

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        asked = urllib.parse.parse_qs(query)
        # /api/v1/namespaces/NAMESPACE/secrets is a part of /api/v1/secrets.
        parts = path.split("/")
        namespace = ""
        if "namespaces" in parts:
            at = parts.index("namespaces")
            namespace = parts[at + 1]
            del parts[at:at + 2]
        path = "/".join(parts)
        selector = asked.get("fieldSelector", [""])[0]
        name = selector.removeprefix("metadata.name=") if selector.startswith("metadata.name=") else ""
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.flush()
        watch = Watch(self.connection, namespace, name)
        self.objects.follow(path, watch, "sendInitialEvents" in asked)
        try:
            self.connection.recv(1)  # nothing comes but the end
        except OSError:
            pass
        self.objects.leave(path, watch)
        self.close_connection = True

    def do_PUT(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        many = body if isinstance(body, list) else [body]
        at = [self.objects.put(self.path, each) for each in many]
        text = json.dumps({"at": at[-1]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        pass


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 128


def serve_backend(listening: socket.socket, who: int) -> None:
    """Every request is answered alike; they have no bodies."""
    head = f"HTTP/1.1 200 OK\r\nX-Backend: {who}\r\nContent-Length: {len(ANSWER)}\r\n\r\n".encode()

    def answer(connection: socket.socket) -> None:
        kept = b""
        with connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while data := connection.recv(65536):
                kept += data
                *requests, kept = kept.split(b"\r\n\r\n")
                connection.sendall((head + ANSWER) * len(requests))

    while True:
        connection, _ = listening.accept()
        threading.Thread(target=answer, args=(connection,), daemon=True).start()


def main() -> None:
    """Arguments: the port of the API, those of the backends."""
    api_port, *backend_ports = (int(each) for each in sys.argv[1:])
    for who, port in enumerate(backend_ports):
        listening = socket.create_server(("127.0.0.1", port), backlog=128)
        threading.Thread(target=serve_backend, args=(listening, who), daemon=True).start()
    ApiHandler.objects = Objects()
    Server(("127.0.0.1", api_port), ApiHandler).serve_forever()


if __name__ == "__main__":
    main()
