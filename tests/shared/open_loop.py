"""Clients that send at a rate which no slow answer lowers."""
import bisect
import http.client
import threading
import time


class OpenLoop:
    """Requests on kept connections while in `with`. `rate` is in requests per second, or a function that says it, and
    may be changed; so may `target`, which `dial` makes a connection to. Any answer but 200 is a failure."""

    def __init__(self, rate, target, dial, path="/jobs", method="POST", headers=None, width=8, timeout=10):
        self.rate, self.target, self.dial = rate, target, dial
        self.path, self.method, self.headers, self.timeout = path, method, headers or {}, timeout
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
                rate = self.rate() if callable(self.rate) else self.rate
                if rate <= 0:
                    self.due = now
                elif self.due - now < 0.05:
                    # What a stalled machine missed is not sent in a burst.
                    due = max(self.due, now - 0.5)
                    self.due = due + 1 / rate
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
                connection = self.dial(at, self.timeout)
            with self.lock:
                self.sent.append(time.monotonic())
            try:
                connection.request(self.method, self.path, headers=self.headers)
                response = connection.getresponse()
                body = response.read()
                if response.status != 200:
                    self.failures.append(f"{time.strftime('%H:%M:%S')} {at}: {response.status} {body[:80]!r}")
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
