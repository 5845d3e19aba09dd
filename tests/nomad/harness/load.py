"""Clients of the gateways: requests at a rate that no slow answer lowers, on kept connections."""
import http.client
import json
import ssl
import threading
import time
import urllib.error
import urllib.request

CONTEXT = ssl._create_unverified_context()
HEADERS = {"Authorization": "mytoken"}


def ask(address, path, method="GET", headers=None, host="localhost", https=False, body=None):
    """Status and body."""
    make = http.client.HTTPSConnection if https else http.client.HTTPConnection
    connection = make(address, timeout=10, **({"context": CONTEXT} if https else {}))
    try:
        connection.request(method, path, body, {"Host": host, **(headers or {})})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


class Load:
    """In `with`: `rates` are requests per second by the gateway's public address, and may be changed."""

    def __init__(self, rates, path="/jobs", method="POST", width=4):
        self.rates, self.path, self.method = dict(rates), path, method
        self.failures, self.sent = [], 0
        self.lock = threading.Lock()
        self.ended = threading.Event()
        self.due = {address: time.monotonic() for address in rates}
        self.threads = [threading.Thread(target=self.run, args=(address,), daemon=True)
                        for address in rates for _ in range(width)]

    def __enter__(self):
        for each in self.threads:
            each.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self.ended.set()
        for each in self.threads:
            each.join(20)

    def take_turn(self, address):
        """Waits for the next request's time; false at the end. A rate of 0 sends nothing."""
        while not self.ended.is_set():
            with self.lock:
                now = time.monotonic()
                if self.rates[address] <= 0:
                    self.due[address] = now
                elif self.due[address] - now < 0.05:
                    # What a stalled machine missed is not sent in a burst.
                    due = max(self.due[address], now - 0.5)
                    self.due[address] = due + 1 / self.rates[address]
                    self.sent += 1
                    break
            self.ended.wait(0.02)
        else:
            return False
        return not self.ended.wait(max(0.0, due - time.monotonic()))

    def run(self, address):
        connection = http.client.HTTPSConnection(address, timeout=15, context=CONTEXT)
        while self.take_turn(address):
            try:
                connection.request(self.method, self.path, headers=HEADERS)
                answer = connection.getresponse()
                body = answer.read()
                if answer.status != 200:
                    self.failures.append(f"{time.strftime('%H:%M:%S')} {answer.status} {body[:80]!r}")
                if answer.will_close:
                    connection.close()
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(f"{time.strftime('%H:%M:%S')} {address}: {error!r}")
                connection.close()


class Gateways:
    """The cluster listeners of all gateways, as the autoscaler reads them."""

    def __init__(self, cluster, token, authority):
        self.cluster = cluster
        self.headers = {"Authorization": f"Bearer {token}"}
        self.context = ssl.create_default_context(cafile=authority)
        self.context.check_hostname = False  # asked by address here

    def addresses(self):
        return sorted(self.cluster.instances("gateway-cluster", None))

    def read(self, address, path):
        """None while the sums are not known."""
        request = urllib.request.Request("https://%s:%d%s" % (*address, path), headers=self.headers)
        try:
            with urllib.request.urlopen(request, timeout=10, context=self.context) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as refused:
            assert refused.code == 503, refused
            return None
