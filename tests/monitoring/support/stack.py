"""The jobs service under load, as tests/e2e starts it, scraped by a real Prometheus and probed by a real
blackbox_exporter. Their configurations are the examples of monitoring/, with other addresses and intervals."""
import json
import shutil
import tempfile
import urllib.error
import urllib.parse
import urllib.request

import yaml

from harness import ROOT, System, connects, free_port, wait_until
from open_loop import OpenLoop
from support.promtool import SCRATCH
from support.synthetic_cluster import SyntheticCluster

PROMETHEUS = ROOT / "monitoring/prometheus"
TOKEN = {"Authorization": "mytoken"}
RATE = 40  # requests per second of each kind: as many seconds on every machine, and few enough for all
# `broken` answers 5xx, `nobody` has an endpoint that is not there: without them half of the panels would show nought.
MORE = """\
  - {{name: broken, match: {{path: /broken}}, respond: {{status: 503, body: "no"}}}}
  - {{name: nobody, match: {{path: /nobody}}, forward: nobody}}
cluster:
  listen: 127.0.0.1:{cluster}
  tls: {{certificate: {folder}/tls/server.crt, key: {folder}/tls/server.key, client_ca: {folder}/tls/server.crt}}
  peers: [{peers}]
  token: {{file: {folder}/cluster-token}}
"""


class Stack(System):
    def __init__(self):
        super().__init__()
        self.cluster, self.blackbox, self.prometheus, self.synthetic = (free_port() for _ in range(4))
        self.scratch = tempfile.mkdtemp(prefix="gateway-monitoring-", dir=SCRATCH)
        self.loads = []

    def peers(self, *addresses):
        """Writes the configuration with these peers."""
        text = ", ".join(f'"{each}"' for each in addresses)
        self.settings["more_routes"] = MORE.format(folder=self.folder, cluster=self.cluster, peers=text)
        self.write_config()

    def write_config(self, text=None):
        if text is None:
            super().write_config()
            path = self.folder / "gateway.yaml"
            text = path.read_text().replace("filters: [{type: request_id}]", """\
  - name: nobody
    endpoints: ["127.0.0.1:1"]
    retries: {attempts: 2}
filters: [{type: request_id}]""", 1)
        super().write_config(text)

    def __enter__(self):
        (self.folder / "cluster-token").write_text("reader\n")
        self.settings["more_routes"] = MORE.format(folder=self.folder, cluster=self.cluster,
                                                   peers=f'"127.0.0.1:{self.cluster}"')
        try:
            super().__enter__()
            self.exporter = SyntheticCluster(self.synthetic, lambda: self.metric("gateway_requests_per_second"))
            self.start_blackbox()
            self.start_prometheus()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for load in self.loads:
            load.stop()
        if hasattr(self, "exporter"):
            self.exporter.stop()
        super().__exit__()
        shutil.rmtree(self.scratch, ignore_errors=True)

    def make_certificate(self, name, hosts=("localhost",)):
        super().make_certificate(name, hosts + ("gateway",))

    def load(self):
        plans = [("GET", "/hello", None, False), ("POST", "/jobs", TOKEN, True), ("POST", "/jobs", {"Authorization": "x"}, False),
                 ("GET", "/broken", None, False), ("GET", "/nobody", None, False)]
        for method, path, headers, tls in plans:
            load = OpenLoop(RATE, tls, lambda tls, _: self.connection(tls), path, method, headers, width=2)
            self.loads.append(load.__enter__())

    def start_blackbox(self):
        body = yaml.safe_load((PROMETHEUS / "blackbox.yaml").read_text())
        trust = {"ca_file": str(self.folder / "tls/server.crt"), "server_name": "localhost"}
        body["modules"]["gateway_tls"]["http"]["tls_config"] = trust
        (self.folder / "blackbox.yaml").write_text(yaml.safe_dump(body))
        self.start("blackbox", "prometheus-blackbox-exporter", f"--config.file={self.folder}/blackbox.yaml",
                   f"--web.listen-address=127.0.0.1:{self.blackbox}")
        wait_until(lambda: connects(self.blackbox), "blackbox_exporter listens", 60)

    def start_prometheus(self):
        body = yaml.safe_load((PROMETHEUS / "scrape/static.yaml").read_text())
        body["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
        body["rule_files"] = [str(each) for each in sorted((PROMETHEUS / "rules").glob("*.yaml"))]
        del body["alerting"]
        ours = {
            "gateway": [f"127.0.0.1:{self.settings['admin']}"],
            "app-a": [f"127.0.0.1:{port}" for port in self.app_a_ports],
            "app-b": [f"127.0.0.1:{self.settings['app_b']}"],
            "gateway-tls": [f"https://127.0.0.1:{self.settings['https']}/hello"],
        }
        assert {job["job_name"] for job in body["scrape_configs"]} == set(ours)
        for job in body["scrape_configs"]:
            job["static_configs"] = [{"targets": ours[job["job_name"]]}]
            for step in job.get("relabel_configs", []):
                if step.get("target_label") == "__address__":
                    step["replacement"] = f"127.0.0.1:{self.blackbox}"
        body["scrape_configs"].append({"job_name": "kube-state-metrics", "honor_labels": True,
                                       "static_configs": [{"targets": [f"127.0.0.1:{self.synthetic}"]}]})
        (self.folder / "prometheus.yaml").write_text(yaml.safe_dump(body))
        self.start("prometheus", "prometheus", f"--config.file={self.folder}/prometheus.yaml",
                   f"--storage.tsdb.path={self.scratch}", f"--web.listen-address=127.0.0.1:{self.prometheus}")
        wait_until(self.prometheus_ready, "Prometheus is ready", 120)

    def prometheus_ready(self):
        assert self.processes["prometheus"].poll() is None, self.log("prometheus")
        try:
            return urllib.request.urlopen(f"http://127.0.0.1:{self.prometheus}/-/ready", timeout=10).status == 200
        except OSError:
            return False

    def ask(self, path, **parameters):
        """What Prometheus answers, or what it has against the question."""
        url = f"http://127.0.0.1:{self.prometheus}/api/v1/{path}?{urllib.parse.urlencode(parameters, doseq=True)}"
        try:
            with urllib.request.urlopen(url, timeout=60) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{parameters}: {error.read().decode()}") from error

    def scrapes(self):
        """How often Prometheus has asked the gateway."""
        return sum(self.values('count_over_time(up{job="gateway"}[1h])'))

    def values(self, expression):
        """The newest number of each series that has one (NaN is none)."""
        result = self.ask("query", query=expression)
        samples = [result["result"]] if result["resultType"] == "scalar" else [each["value"] for each in result["result"]]
        return [float(value) for _, value in samples if value != "NaN"]
