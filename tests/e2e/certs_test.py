"""The certificates of `gateway certs`: mutual TLS on both sides, renewed and replaced while requests go on."""

import http.client
import shutil
import ssl
import subprocess
import sys

from harness import ADMIN_TOKEN, BIN, Load, System, connects, run_tests, wait_until

CONFIG = """\
version: 1
process: {{workers: 2, drain: {{delay: 0s, deadline: 10s}}}}
admin: {{address: "127.0.0.1:{admin}", token: {{file: {folder}/admin-token}}}}
access_log: {{path: {folder}/access.log}}
listeners:
  - {{name: http, address: "127.0.0.1:{http}"}}
  - name: https
    address: "127.0.0.1:{https}"
    tls: {{certificates: [{{folder: {made}/tls}}]}}
upstreams:
  - name: app-a
    endpoints: ["127.0.0.1:{app_a_port}"]
    tls:
      ca: {made}/secrets/internal-ca.crt
      server_name: app-a.internal
      certificate: {made}/secrets/gateway.crt
      key: {made}/secrets/gateway.key
routes:
  - {{name: hello, match: {{path: /hello}}, forward: app-a}}
"""


class Private(System):
    """One App A that lets in only what the private authority signed, and the gateway before it."""

    def __init__(self):
        super().__init__()
        self.made = self.folder / "made"
        self.port = self.app_a_ports[0]
        self.settings.update(app_a_port=self.port, made=self.made)

    def __enter__(self):
        (self.folder / "admin-token").write_text(ADMIN_TOKEN + "\n")
        self.certs()
        secrets = self.made / "secrets"
        self.start("app", BIN / "app_a", "--listen", f"127.0.0.1:{self.port}", "--certificate",
                   secrets / "app-a.crt", "--key", secrets / "app-a.key", "--client-ca",
                   secrets / "internal-ca.crt", "--drain-delay-ms", "0")
        wait_until(lambda: connects(self.port), f"app_a on {self.port}")
        self.write_config(CONFIG.format(**self.settings))
        self.start_gateway()
        wait_until(lambda: self.get("/hello")[0] == 200, "each trusts the other")
        return self

    def certs(self, *options, out=None):
        ran = subprocess.run([BIN / "gateway", "certs", "--out", out or self.made, "--public",
                              "localhost", *options], capture_output=True, text=True, check=False)
        assert ran.returncode == 0 and not ran.stderr, ran.stderr
        return ran.stdout

    def text(self, name):
        return (self.made / name).read_text()

    def app_shows(self, client, trusted):
        """App A's certificate (PEM) to a client that shows the gateway's of the folder `client` and believes the
        authorities in the text `trusted`; nothing where either refuses the other."""
        context = ssl.create_default_context(cadata=trusted)
        context.load_cert_chain(client / "secrets/gateway.crt", client / "secrets/gateway.key")
        context.check_hostname = False
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=20, context=context)
        try:
            connection.request("GET", "/healthz")
            shown = connection.sock.getpeercert(binary_form=True)
            assert connection.getresponse().status == 200
            return ssl.DER_cert_to_PEM_cert(shown)
        except OSError:
            return None
        finally:
            connection.close()

    def generation(self):
        return self.metric("gateway_config_generation")

    def run_taken_up(self, *options):
        """A run that changes what the gateway and App A have in use, until both have the new files in use."""
        before = self.generation()
        said = self.certs(*options)
        wait_until(lambda: self.generation() > before, "the gateway takes up what was changed")
        wait_until(lambda: self.app_shows(self.made, self.text("ca.crt")) == self.text("secrets/app-a.crt"),
                   "App A takes up what was changed")
        return said


class Busy:
    """Clients in `with`; none of their requests may fail."""

    def __init__(self, system):
        self.loads = [Load(system, tls=number == 3) for number in range(4)]

    def __enter__(self):
        for load in self.loads:
            load.start()
        return self

    def __exit__(self, kind, *_):
        failures = [failure for load in self.loads for failure in load.stop().failures]
        if kind is None:
            assert not failures, (len(failures), failures[:3])

    def goes_on(self):
        done = [load.done for load in self.loads]
        wait_until(lambda: all(load.done > before + 25 for load, before in zip(self.loads, done)),
                   "requests go on")


def renewals_under_load_fail_no_request():
    with Private() as system, Busy(system) as busy:
        for turn in range(6):
            before = system.text("secrets/gateway.crt")
            said = system.run_taken_up("--names", f"turn-{turn}.test")
            assert "renewed  secrets/gateway.crt" in said and "kept     ca.crt" in said, said
            assert system.text("secrets/gateway.crt") != before
            busy.goes_on()


def another_run_changes_nothing():
    with Private() as system:
        before = {path: (path.stat().st_mtime_ns, path.read_bytes())
                  for path in system.made.rglob("*") if path.is_file()}
        said = system.certs()
        assert "made" not in said and "renewed" not in said, said
        assert before == {path: (path.stat().st_mtime_ns, path.read_bytes())
                          for path in system.made.rglob("*") if path.is_file()}


def an_authority_is_replaced_under_load():
    with Private() as system, Busy(system) as busy:
        old, old_authority = system.folder / "old", system.text("ca.crt")
        shutil.copytree(system.made, old)
        before = system.generation()
        assert "the one before it is trusted too" in system.certs("--force-ca")
        wait_until(lambda: system.generation() > before, "the gateway trusts the new authority")
        # Somebody whom the new authority vouches for.
        new = system.folder / "new"
        new.mkdir()
        for end in ("crt", "key"):
            shutil.copy(system.made / f"ca.{end}", new)
        system.certs(out=new)
        wait_until(lambda: system.app_shows(new, old_authority), "App A trusts the new authority")
        busy.goes_on()
        said = system.run_taken_up()
        assert "another authority signed it" in said, said
        assert system.app_shows(old, system.text("ca.crt")), "the old one is trusted still"
        busy.goes_on()
        before = system.generation()
        system.certs()
        assert system.text("secrets/internal-ca.crt") == system.text("ca.crt")
        wait_until(lambda: system.generation() > before, "the gateway trusts the new authority alone")
        wait_until(lambda: system.app_shows(old, system.text("ca.crt")) is None,
                   "the old one is trusted no more")
        busy.goes_on()


def a_folder_that_cannot_be_used_is_one_sentence():
    with Private() as system:
        (system.made / "ca.key").write_text("nothing\n")
        ran = subprocess.run([BIN / "gateway", "certs", "--out", system.made], capture_output=True, text=True,
                             check=False)
        assert ran.returncode == 1 and ran.stderr.count("\n") == 1, ran
        assert ran.stderr.startswith(f"gateway: {system.made}/ca.key: ") and "--force-ca" in ran.stderr
        assert system.text("ca.key") == "nothing\n"


if __name__ == "__main__":
    sys.exit(run_tests([renewals_under_load_fail_no_request,
                        another_run_changes_nothing,
                        an_authority_is_replaced_under_load,
                        a_folder_that_cannot_be_used_is_one_sentence]))
