#!/usr/bin/python3
"""Servers of tests, in containers of their own. `echo` answers with what it was sent, as JSON; `acmesolver`
is cert-manager's, by its options."""
import argparse
import base64
import collections
import hashlib
import http.server
import json
import os
import ssl
import sys
import threading
import time


class Echo(http.server.BaseHTTPRequestHandler):
    """/status/NNN answers so, /wait/SECONDS later, /after/N well after so many bad answers, /user/NAME with a name
    alone, as who judges tokens does. A WebSocket gets back what it sends, byte for byte."""
    protocol_version = "HTTP/1.1"
    answered = collections.Counter()

    def do_GET(self):
        if self.headers.get("Upgrade") == "websocket":
            return self.tunnel()
        size = len(self.rfile.read(int(self.headers.get("Content-Length", 0))))
        words = self.path.split("?")[0].strip("/").split("/")
        if words[0] == "wait":
            time.sleep(float(words[1]))  # the test's own wish
        body = json.dumps({"pod": os.environ["HOSTNAME"], "path": self.path, "method": self.command, "size": size,
                           "headers": {name.lower(): value for name, value in self.headers.items()}}).encode()
        if words[0] == "user":
            body = words[1].encode()
        status = int(words[1]) if words[0] == "status" else 200
        if words[0] == "after":
            self.answered[self.path] += 1
            status = 200 if self.answered[self.path] > int(words[1]) else 503
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Pod", os.environ["HOSTNAME"])
        self.end_headers()
        self.wfile.write(body)

    def tunnel(self):
        key = self.headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 §1.3
        self.send_response(101)
        for name, value in (("Connection", "Upgrade"), ("Upgrade", "websocket"),
                            ("Sec-WebSocket-Accept", base64.b64encode(hashlib.sha1(key.encode()).digest()).decode())):
            self.send_header(name, value)
        self.end_headers()
        self.close_connection = True
        while data := self.rfile.read1():
            self.wfile.write(data)

    do_POST = do_GET

    def log_request(self, *_):
        print(self.command, self.path, self.headers.get("Host"), flush=True)


def echo():
    options = argparse.ArgumentParser()
    options.add_argument("--port", type=int, default=8080)
    options.add_argument("--certificate", help="a folder with tls.crt and tls.key: HTTPS")
    given = options.parse_args()
    server = http.server.ThreadingHTTPServer(("", given.port), Echo)
    if given.certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(f"{given.certificate}/tls.crt", f"{given.certificate}/tls.key")
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.serve_forever()


def acmesolver():
    options = argparse.ArgumentParser()
    options.add_argument("--listen-port", type=int)
    for name in ("--domain", "--token", "--key"):
        options.add_argument(name)
    given = options.parse_args()

    class Solver(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            good = (self.path == f"/.well-known/acme-challenge/{given.token}"
                    and self.headers["Host"].split(":")[0] == given.domain)
            self.send_response(200 if good else 404)
            self.end_headers()
            self.wfile.write(given.key.encode() if good else b"")

    http.server.ThreadingHTTPServer(("", given.listen_port), Solver).serve_forever()


def broken():
    """An App A that says it is ready, and fails."""
    class Answer(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(200 if self.path in ("/readyz", "/healthz") else 500)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_POST = do_GET

    probes, requests = (http.server.ThreadingHTTPServer(("", int(os.environ[each].rsplit(":", 1)[1])), Answer)
                        for each in ("PROBE_LISTEN", "LISTEN"))
    threading.Thread(target=probes.serve_forever, daemon=True).start()
    requests.serve_forever()


{"echo": echo, "acmesolver": acmesolver, "broken": broken}[os.path.basename(sys.argv[0])]()
