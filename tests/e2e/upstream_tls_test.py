"""Mutual TLS to an upstream whose certificates are renewed in place."""

import os
import sys

from harness import BIN, Load, System, connects, run_tests, wait_until

CONFIG = """\
version: 1
process: {{workers: 2, drain: {{delay: 0s, deadline: 10s}}}}
admin: {{address: "127.0.0.1:{admin}", token: {{file: {folder}/admin-token}}}}
access_log: {{path: {folder}/access.log}}
listeners:
  - {{name: http, address: "127.0.0.1:{http}"}}
upstreams:
  - name: app-a
    endpoints: ["127.0.0.1:{app_a_port}"]
    tls:
      ca: {folder}/up/ca.crt
      server_name: localhost
      certificate: {folder}/up/client.crt
      key: {folder}/up/client.key
routes:
  - {{name: hello, match: {{path: /hello}}, forward: app-a}}
"""


class MutualTls(System):
    """One App A that serves as `server` and lets in only clients that show `client`. All certificates
    are self-signed: each is its own authority."""

    def __init__(self):
        super().__init__()
        self.settings["app_a_port"] = self.app_a_ports[0]

    def __enter__(self):
        (self.folder / "admin-token").write_text("e2e-admin-token\n")
        (self.folder / "up").mkdir()
        for name in ("app-1", "app-2", "client-1", "client-2"):
            self.make_certificate(name)
        self.write_config(CONFIG.format(**self.settings))
        self.use("ca.crt", "app-1.crt")
        self.use("client.key", "client-1.key")
        self.use("client.crt", "client-1.crt")
        self.serve("app-1", "client-1")
        self.start_gateway()
        return self

    def use(self, name, source):
        new = self.folder / f"up/{name}.new"
        new.write_text((self.folder / f"tls/{source}").read_text())
        os.replace(new, self.folder / f"up/{name}")

    def serve(self, server, *clients):
        if "app" in self.processes:
            self.kill("app")
        tls = self.folder / "tls"
        trusted = self.folder / "trusted.crt"
        trusted.write_text("".join((tls / f"{client}.crt").read_text() for client in clients))
        port = self.settings["app_a_port"]
        self.start("app", BIN / "app_a", "--listen", f"127.0.0.1:{port}", "--certificate",
                   tls / f"{server}.crt", "--key", tls / f"{server}.key", "--client-ca", trusted)
        wait_until(lambda: connects(port), f"app_a on {port}")

    def generation(self):
        return self.metric("gateway_config_generation")

    def works(self):
        return self.get("/hello")[0] == 200


def a_renewed_client_certificate_is_shown_to_new_connections():
    with MutualTls() as system:
        wait_until(system.works, "the first pair is let in")
        before = system.generation()
        system.serve("app-1", "client-2")
        assert not system.works(), "the first pair is not let in any more"
        system.use("client.key", "client-2.key")
        wait_until(lambda: "does not belong to the certificate" in system.log("gateway"),
                   "half a renewal is noticed")
        assert system.generation() == before and not system.works()
        system.use("client.crt", "client-2.crt")
        wait_until(system.works, "the second pair is shown")
        assert system.generation() == before + 1
        assert system.metric('gateway_certificate_expiry_seconds{use="upstream",owner="app-a",'
                             'name="localhost",key="ecdsa"}') > 0


def a_renewed_authority_is_trusted():
    with MutualTls() as system:
        wait_until(system.works, "the first authority is trusted")
        before = system.generation()
        system.serve("app-2", "client-1")
        assert not system.works(), "nobody vouches for the second server yet"
        system.use("ca.crt", "app-2.crt")
        wait_until(system.works, "the second authority is trusted")
        assert system.generation() == before + 1


def renewals_under_load_fail_no_request():
    with MutualTls() as system:
        system.serve("app-1", "client-1", "client-2")
        wait_until(system.works, "either pair is let in")
        before, loads = system.generation(), [Load(system) for _ in range(4)]
        for load in loads:
            load.start()
        for turn in range(6):
            pair = f"client-{2 - turn % 2}"
            done = sum(load.done for load in loads)
            system.use("client.key", f"{pair}.key")
            system.use("client.crt", f"{pair}.crt")
            wait_until(lambda: system.generation() == before + turn + 1, "the renewal is noticed")
            wait_until(lambda: sum(load.done for load in loads) > done + 100, "requests go on")
        failures = [failure for load in loads for failure in load.stop().failures]
        assert not failures, (len(failures), failures[:3])
        text = "certificates ~"
        assert system.log("gateway").count(text) == 6, system.log("gateway")


if __name__ == "__main__":
    sys.exit(run_tests([a_renewed_client_certificate_is_shown_to_new_connections,
                        a_renewed_authority_is_trusted,
                        renewals_under_load_fail_no_request]))
