"""Clients of the gateway: requests at a rate that no slow answer lowers, on kept TLS connections."""
import bisect
import http.client
import ssl
import threading
import time

from .network import HOST, HOST_ADDRESS

CONTEXT = ssl._create_unverified_context()
CONTEXT.minimum_version = ssl.TLSVersion.TLSv1_2


def context_with(certificate):
    """That of a client which shows one."""
    context = ssl._create_unverified_context()
    context.load_cert_chain(certificate)
    return context


class NamedConnection(http.client.HTTPSConnection):
    """To an address of our choice, with the host's name in the handshake."""

    def __init__(self, address, port, name, timeout, certificate=None):
        super().__init__(address, port, timeout=timeout, context=CONTEXT)
        self.name = name
        self.shown = context_with(certificate) if certificate else CONTEXT

    def connect(self):
        http.client.HTTPConnection.connect(self)
        self.sock = self.shown.wrap_socket(self.sock, server_hostname=self.name)


class Answer:
    def __init__(self, response):
        self.status, self.headers, self.body = response.status, response.headers, response.read()


def exchange(path, method="GET", headers=None, address=HOST_ADDRESS, port=443, host=HOST, timeout=10, body=None,
             name=None, certificate=None):
    """One request on a connection of its own; over plain HTTP to the ports of that. `name`: in the handshake, where
    it is not the host's. `certificate`: a client's, in one file with its key."""
    plain = port in (80, 8080)
    connection = http.client.HTTPConnection(address, port, timeout=timeout) if plain else NamedConnection(
        address, port, name or host, timeout, certificate)
    try:
        connection.request(method, path, body=body, headers={"Host": host, **(headers or {})})
        return Answer(connection.getresponse())
    finally:
        connection.close()


def ask(*arguments, **options):
    """Status and body of exchange()."""
    answer = exchange(*arguments, **options)
    return answer.status, answer.body


def certificate(address, port, host=HOST):
    """What the server shows for a name, as DER."""
    connection = NamedConnection(address, port, host, 10)
    try:
        connection.connect()
        return connection.sock.getpeercert(binary_form=True)
    finally:
        connection.close()


class Load:
    """Starts in `with`. `rate` is in requests per second, and may be changed; so may `target`."""

    def __init__(self, rate, path="/jobs", method="POST", headers=None, target=(HOST_ADDRESS, 443), width=8,
                 timeout=10):
        self.rate, self.path, self.method, self.target = rate, path, method, target
        self.headers = {"Host": HOST, "Authorization": "mytoken", **(headers or {})}
        self.timeout = timeout
        self.lock = threading.Lock()
        self.due = time.monotonic()
        self.sent, self.failures = [], []
        self.answered = 0
        self.ended = threading.Event()
        self.threads = [threading.Thread(target=self.run, daemon=True) for _ in range(width)]

    def __enter__(self):
        self.due = time.monotonic()
        for each in self.threads:
            each.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self.ended.set()
        for each in self.threads:
            each.join(self.timeout + 5)
        return self

    def take_turn(self):
        """Waits for the next request's time; false at the end. A rate of 0 sends nothing."""
        while not self.ended.is_set():
            with self.lock:
                now = time.monotonic()
                if self.rate <= 0:
                    self.due = now
                elif self.due - now < 0.05:
                    # What a stalled machine missed is not sent in a burst.
                    due = max(self.due, now - 0.5)
                    self.due = due + 1 / self.rate
                    break
            self.ended.wait(0.02)
        else:
            return False
        return not self.ended.wait(max(0.0, due - time.monotonic()))

    def run(self):
        connection, at = None, None
        while self.take_turn():
            if connection is None or at != self.target:
                at = self.target
                connection = NamedConnection(at[0], at[1], HOST, self.timeout)
            with self.lock:
                self.sent.append(time.monotonic())
            try:
                connection.request(self.method, self.path, headers=self.headers)
                response = connection.getresponse()
                body = response.read()
                if response.status != 200:
                    self.failures.append(f"{response.status} {body[:80]!r}")
                with self.lock:
                    self.answered += 1
                if response.will_close:
                    connection.close()
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(f"{time.strftime('%H:%M:%S')} {at}: {error!r}")
                connection.close()

    def rate_since(self, seconds):
        """What was sent in the last whole seconds, per second."""
        with self.lock:
            now = time.monotonic()
            return (len(self.sent) - bisect.bisect_left(self.sent, now - seconds)) / seconds
