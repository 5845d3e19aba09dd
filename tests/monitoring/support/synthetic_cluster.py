"""SYNTHETIC: series under the names of kube-state-metrics and of the API server, for boards and rules that need a
cluster. No Kubernetes is behind them: an imitation of one autoscaler that follows the rate it is given."""
import contextlib
import http.server
import math
import threading

TARGET = 20
LOWEST, HIGHEST = 1, 10
HPA = 'namespace="jobs",horizontalpodautoscaler="app-a"'
METRIC = f'{HPA},metric_name="gateway_requests_per_second",metric_target_type="average"'


class SyntheticCluster:
    """`rate` tells the requests per second. Replicas go up by one with every third scrape: pods take their time."""

    def __init__(self, port, rate):
        self.rate, self.replicas, self.scrapes = rate, LOWEST, 0
        cluster = self

        class Exporter(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                body = cluster.text().encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                with contextlib.suppress(BrokenPipeError):  # a scrape that did not wait
                    self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Exporter)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def text(self):
        rate = self.rate()
        desired = min(max(math.ceil(rate / TARGET), LOWEST), HIGHEST)
        self.scrapes += 1
        if self.scrapes % 3 == 0:
            self.replicas += (desired > self.replicas) - (desired < self.replicas)
        lines = [f"kube_horizontalpodautoscaler_spec_target_metric{{{METRIC}}} {TARGET}",
                 f"kube_horizontalpodautoscaler_status_target_metric{{{METRIC}}} {rate / self.replicas}",
                 f"kube_horizontalpodautoscaler_spec_min_replicas{{{HPA}}} {LOWEST}",
                 f"kube_horizontalpodautoscaler_spec_max_replicas{{{HPA}}} {HIGHEST}",
                 f"kube_horizontalpodautoscaler_status_current_replicas{{{HPA}}} {self.replicas}",
                 f"kube_horizontalpodautoscaler_status_desired_replicas{{{HPA}}} {desired}",
                 'kube_deployment_spec_replicas{namespace="gateway",deployment="gateway"} 1',
                 'aggregator_unavailable_apiservice{name="v1beta2.custom.metrics.k8s.io"} 0']
        for condition in ("AbleToScale", "ScalingActive"):
            for status in ("true", "false", "unknown"):
                lines.append(f'kube_horizontalpodautoscaler_status_condition{{{HPA},condition="{condition}",'
                             f'status="{status}"}} {int(status == "true")}')
        return "\n".join(lines) + "\n"

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
