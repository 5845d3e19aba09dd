"""Clients of the gateways: requests at a rate that no slow answer lowers, on kept connections."""
import contextlib
import http.client
import json
import pathlib
import ssl
import sys
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "shared"))
from open_loop import OpenLoop

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


def dial(address, timeout):
    return http.client.HTTPSConnection(address, timeout=timeout, context=CONTEXT)


class Load(contextlib.ExitStack):
    """In `with`: `rates` are requests per second by the gateway's public address, and may be changed."""

    def __init__(self, rates, path="/jobs", method="POST", width=4):
        super().__init__()
        self.rates = dict(rates)
        self.loads = [OpenLoop(lambda address=each: self.rates[address], each, dial, path, method, HEADERS, width, 15)
                      for each in self.rates]

    def __enter__(self):
        super().__enter__()
        for each in self.loads:
            self.enter_context(each)
        return self

    @property
    def sent(self):
        return sum(len(each.sent) for each in self.loads)

    @property
    def failures(self):
        return [failure for each in self.loads for failure in each.failures]


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
