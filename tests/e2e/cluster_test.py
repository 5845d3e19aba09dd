"""Three gateways that sum one another's requests, read as autoscalers read them."""

import http.client
import json
import ssl
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

from harness import BIN, System, free_port, run_tests, wait_until

CONFIG = """\
version: 1
process: {{workers: 1, drain: {{delay: 0s, deadline: 5s}}}}
admin: {{address: "127.0.0.1:{admin}"}}
access_log: {{path: off}}
listeners:
  - {{name: http, address: "127.0.0.1:{http}"}}
cluster:
  listen: 127.0.0.1:{cluster}
  tls: {{certificate: {tls}/cluster.crt, key: {tls}/cluster.key, client_ca: {tls}/cluster.crt}}
  {peers}
  token: {{file: {token}}}
upstreams:
  - name: app-a
    endpoints: ["127.0.0.1:{app_a}"]
routes:
  - {{name: hello, match: {{path: /hello}}, forward: app-a}}
  - {{name: idle, match: {{path: /idle}}, forward: app-a}}
"""
# Fewer than the 400 that end a window early: all of them are in it while they are a minute old.
SENT = (40, 90, 250)
TOTAL = sum(SENT)
QUERY = 'gateway_cluster_requests_per_second{route="hello"}'


class Replicas(System):
    """Gateways 0 to 2. All know all addresses, their own included; the first reads them from a file."""

    def __init__(self):
        super().__init__()
        self.ports = [{"http": free_port(), "admin": free_port(), "cluster": free_port()}
                      for _ in SENT]

    def __enter__(self):
        self.make_certificate("cluster")
        (self.folder / "token").write_text("e2e-reader\n")
        addresses = [f"127.0.0.1:{ports['cluster']}" for ports in self.ports]
        (self.folder / "peers").write_text("# replicas\n" + "\n".join(addresses) + "\n")
        quoted = ", ".join(f'"{address}"' for address in addresses)
        self.start_app_a(self.app_a_ports[0])
        self.started = time.monotonic()
        for number, ports in enumerate(self.ports):
            peers = f"peers: [{quoted}]" if number else f"peers_file: {self.folder}/peers"
            (self.folder / f"{number}.yaml").write_text(CONFIG.format(
                **ports, peers=peers, app_a=self.app_a_ports[0], tls=self.folder / "tls",
                token=self.folder / "token"))
            self.start_replica(number)
        for number in range(len(SENT)):
            wait_until(lambda: self.is_ready(number), f"gateway {number} is ready")
        return self

    def start_replica(self, number):
        self.start(f"gateway-{number}", BIN / "gateway", "--config", self.folder / f"{number}.yaml")

    def is_ready(self, number):
        process = self.processes[f"gateway-{number}"]
        assert process.poll() is None, self.log(f"gateway-{number}")
        try:
            url = f"http://127.0.0.1:{self.ports[number]['admin']}/readyz"
            return urllib.request.urlopen(url, timeout=5).status == 200
        except OSError:
            return False

    def send(self, number, count):
        connection = http.client.HTTPConnection("127.0.0.1", self.ports[number]["http"], timeout=20)
        for _ in range(count):
            connection.request("GET", "/hello")
            response = connection.getresponse()
            response.read()
            assert response.status == 200, response.status
        connection.close()

    def read(self, number, path, token="e2e-reader", form=None):
        request = urllib.request.Request(
            f"https://127.0.0.1:{self.ports[number]['cluster']}{path}",
            data=None if form is None else urllib.parse.urlencode(form).encode(),
            headers={"Authorization": f"Bearer {token}"})
        try:
            with urllib.request.urlopen(request, timeout=10,
                                        context=ssl._create_unverified_context()) as response:
                return response.status, json.load(response)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def rate(self, number):
        """Requests a second and in the whole window; nothing while they are not known."""
        status, answer = self.read(number, "/api/rates")
        if status != 200:
            return None, 0
        hello = answer["routes"]["hello"]
        return (hello["requests_per_second"],
                hello["requests_per_second"] * hello["window_seconds"])

    def metrics(self, number):
        """What it says of its peers, by name and labels."""
        url = f"http://127.0.0.1:{self.ports[number]['admin']}/metrics"
        with urllib.request.urlopen(url, timeout=20) as response:
            lines = response.read().decode().splitlines()
        return {name: float(value) for name, value in
                (line.rsplit(" ", 1) for line in lines if line.startswith("gateway_cl"))}

    def query(self, number, text=QUERY):
        status, answer = self.read(number, "/api/v1/query", form={"query": text})
        return float(answer["data"]["result"][0]["value"][1]) if status == 200 else None

    def state(self, number, peer):
        _, answer = self.read(number, "/api/rates")
        return answer["peers"][f"127.0.0.1:{self.ports[peer]['cluster']}"]["state"]

    def all_heard(self, number):
        states = sorted(self.state(number, peer) for peer in range(len(SENT)))
        return states == ["fresh", "fresh", "self"]


def wait_for_sum(system, numbers):
    for number in numbers:
        wait_until(lambda: abs(system.rate(number)[1] - TOTAL) <= 0.02 * TOTAL,
                   f"gateway {number} sums {TOTAL}: {system.read(number, '/api/rates')}", 50)


def uneven_load_is_one_sum_everywhere():
    with Replicas() as system:
        for number in range(len(SENT)):
            wait_until(lambda: system.all_heard(number), f"gateway {number} hears the others")
        clients = [threading.Thread(target=system.send, args=(number, count))
                   for number, count in enumerate(SENT)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        wait_for_sum(system, range(len(SENT)))
        # The three ways of reading are one number; the second may turn between two questions.
        wait_until(lambda: abs(system.query(1) - system.rate(1)[0]) < 0.01, "the query API agrees")
        assert system.query(1, "sum(gateway_cluster_requests_per_second)") is not None
        assert system.read(2, "/api/rates")[1]["routes"]["idle"]["requests_per_second"] == 0

        system.kill("gateway-2")
        wait_until(lambda: system.state(0, 2) == "stale", "a silent peer is noticed")
        metrics = system.metrics(0)
        assert metrics['gateway_cluster_peers{state="fresh"}'] == 1, metrics
        assert metrics["gateway_cluster_sums_known"] == 1, metrics
        silent = f"gateway: cluster: peer 127.0.0.1:{system.ports[2]['cluster']} does not answer: "
        wait_until(lambda: silent in system.log("gateway-0"), "its log names the peer and says why")
        rate, window = system.rate(0)[0], min(60, time.monotonic() - system.started)
        assert rate * window >= 0.98 * TOTAL, (rate, window, "its requests still count")

        system.kill("gateway-1")
        wait_until(lambda: system.read(0, "/api/rates")[0] == 503, "fewer than half are heard")
        assert system.read(0, "/api/v1/query", form={"query": QUERY})[1]["errorType"] == "unavailable"
        assert system.metrics(0)["gateway_cluster_sums_known"] == 0
        system.start_replica(1)
        wait_until(lambda: system.read(0, "/api/rates")[0] == 200, "half of them are back")


def readers_are_asked_who_they_are():
    with Replicas() as system:
        wait_until(lambda: system.read(0, "/api/rates")[0] == 200, "the sums are known")
        assert system.read(0, "/api/rates", token="wrong")[0] == 401
        assert system.read(0, "/api/v1/labels", token="")[0] == 401
        assert system.read(0, "/cluster/rings", form={})[0] == 403
        status, answer = system.read(0, "/api/v1/query", form={"query": "rate(x[1m])"})
        assert status == 400 and answer["errorType"] == "bad_data", answer
        status, answer = system.read(0, "/api/v1/query?query=" + urllib.parse.quote(QUERY))
        assert status == 200 and answer["data"]["result"][0]["value"][1] == "0", answer


def a_changed_list_of_peers_is_taken_up():
    with Replicas() as system:
        wait_until(lambda: system.all_heard(0), "all are heard")
        own = f"127.0.0.1:{system.ports[0]['cluster']}"
        new = system.folder / "peers.new"
        new.write_text(own + "\n")
        new.rename(system.folder / "peers")
        wait_until(lambda: list(system.read(0, "/api/rates")[1]["peers"]) == [own],
                   "the file was read again")
        wait_until(lambda: system.read(0, "/api/rates")[0] == 200, "the sum of itself is known")


if __name__ == "__main__":
    sys.exit(run_tests([uneven_load_is_one_sum_everywhere, readers_are_asked_who_they_are,
                        a_changed_list_of_peers_is_taken_up]))
