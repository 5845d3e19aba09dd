"""What App A and App B share: probes beside mutual TLS, authorities renewed in place, a taken port."""

import http.client
import os
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

from harness import BIN, connects, free_port, run_tests, wait_until

PROGRAMS = ("app_a", "app_b")


def make_pair(folder, name):
    """Self-signed: each is its own authority."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-days", "2", "-subj", f"/CN={name}", "-keyout", folder / f"{name}.key", "-out",
         folder / f"{name}.crt"], check=True, capture_output=True)


def command(program, folder, *flags):
    database = ["--database", folder / "users.sqlite"] if program == "app_b" else []
    return [BIN / program, *database, "--log", "off", *flags]


def ask(connection, path):
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


class MutualTls:
    """One app that lets in who shows a certificate of `ca.crt`, with a listener for probes."""

    def __init__(self, program, folder, *flags):
        self.folder, self.port, self.probe_port = folder, free_port(), free_port()
        for name in ("server", "old", "new"):
            make_pair(folder, name)
        self.trust("old")
        self.process = subprocess.Popen(command(
            program, folder, "--listen", f"127.0.0.1:{self.port}", "--probe-listen",
            f"127.0.0.1:{self.probe_port}", "--certificate", folder / "server.crt", "--key",
            folder / "server.key", "--client-ca", folder / "ca.crt", *flags),
            stderr=open(folder / "log", "w"))
        wait_until(lambda: connects(self.port) and connects(self.probe_port), f"{program} serves")

    def trust(self, name, text=None):
        new = self.folder / "ca.new"
        new.write_text(text or (self.folder / f"{name}.crt").read_text())
        os.replace(new, self.folder / "ca.crt")

    def probe(self, path):
        return ask(http.client.HTTPConnection("127.0.0.1", self.probe_port, timeout=20), path)

    def status(self, path, client=None):
        """None: the client is not let in."""
        context = ssl._create_unverified_context()
        if client:
            context.load_cert_chain(self.folder / f"{client}.crt", self.folder / f"{client}.key")
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=20, context=context)
        try:
            return ask(connection, path)[0]
        except (ssl.SSLError, ConnectionError):
            return None


@contextmanager
def mutual_tls(program, *flags):
    with tempfile.TemporaryDirectory() as name:
        app = MutualTls(program, Path(name), *flags)
        try:
            yield app
        finally:
            app.process.kill()
            app.process.wait()


def probes_need_no_client_certificate():
    for program in PROGRAMS:
        with mutual_tls(program, "--drain-delay-ms", "60000") as app:
            assert app.status("/healthz") is None, "the main listener wants a certificate"
            for path in ("/healthz", "/readyz", "/metrics"):
                assert app.probe(path)[0] == 200, (program, path)
                assert app.status(path, "old") == 200, (program, path)
            assert "gateway_requests_total" in app.probe("/metrics")[1]
            for path in ("/", "/hello", "/jobs", "/auth", "/metrics/"):
                assert app.probe(path)[0] == 404, (program, path)
            app.process.send_signal(signal.SIGTERM)
            wait_until(lambda: app.probe("/readyz")[0] == 503, "the drain is told")
            assert app.probe("/healthz")[0] == 200
            app.process.send_signal(signal.SIGTERM)
            assert app.process.wait(20) == 0


def sample(text, name):
    """The value of the one series whose name and labels begin so."""
    [line] = [line for line in text.splitlines() if line.startswith(name)]
    return float(line.rsplit(" ", 1)[1])


def metrics_tell_how_long_answers_took_what_runs_and_when_its_certificate_ends():
    for program in PROGRAMS:
        with mutual_tls(program) as app:
            assert app.status("/healthz", "old") == 200
            text = app.probe("/metrics")[1]
            assert sample(text, "gateway_request_duration_seconds_count") >= 1
            assert sample(text, "gateway_request_duration_seconds_sum") > 0, program
            version = subprocess.check_output([BIN / program, "--version"], text=True).split()[1]
            assert sample(text, f'gateway_build_info{{version="{version}"') == 1
            end = subprocess.check_output(["openssl", "x509", "-in", app.folder / "server.crt",
                                           "-noout", "-enddate"], text=True).strip()
            ends = ssl.cert_time_to_seconds(end.removeprefix("notAfter="))
            assert sample(text, 'gateway_certificate_expiry_seconds{use="listener",'
                                f'owner="{program}",name="server",key="ecdsa"}}') == ends


def probes_want_a_port_of_their_own():
    with tempfile.TemporaryDirectory() as name:
        port = free_port()
        said = refusal("app_a", Path(name), "--listen", f"127.0.0.1:{port}", "--probe-listen",
                       f"127.0.0.1:{port}")
        assert said == (f"app_a: --probe-listen and --listen are both 127.0.0.1:{port}: give the "
                        "probes a port of their own\n"), said


def another_client_authority_is_heeded_without_a_restart():
    for program in PROGRAMS:
        with mutual_tls(program, "--threads", "2") as app:
            assert app.status("/healthz", "old") == 200
            assert app.status("/healthz", "new") is None
            app.trust("new")
            # Each thread takes it for itself: ask until both have.
            wait_until(lambda: all(app.status("/healthz", "new") == 200 and
                                   app.status("/healthz", "old") is None for _ in range(10)),
                       f"{program} lets in the new authority's clients, and no others")
            app.trust(None, "no certificate\n")
            wait_until(lambda: "stays as it was" in (app.folder / "log").read_text(), "it is told")
            assert app.status("/healthz", "new") == 200
            assert app.status("/healthz", "old") is None


def health(program, folder, *flags):
    return subprocess.run(command(program, folder, "health", *flags), capture_output=True, text=True,
                          timeout=30, check=False)


def a_program_asks_itself_whether_it_is_well():
    for program in PROGRAMS:
        with mutual_tls(program) as app:
            probes = ("--probe-listen", f":{app.probe_port}")
            assert health(program, app.folder, *probes).returncode == 0
            # TLS is not what it speaks, and silence is not what it takes for an answer.
            assert health(program, app.folder, "--listen", f"127.0.0.1:{app.port}").returncode == 1
            app.process.kill()
            app.process.wait()
            ended = health(program, app.folder, *probes)
            assert ended.returncode == 1 and "nobody listens" in ended.stderr, ended


def refusal(program, folder, *flags):
    ended = subprocess.run(command(program, folder, *flags), capture_output=True, text=True,
                           timeout=30, check=False)
    assert ended.returncode == 1, ended
    return ended.stderr


def a_taken_port_is_one_sentence_with_the_mend():
    with tempfile.TemporaryDirectory() as name, socket.create_server(("127.0.0.1", 0)) as owner:
        taken = f"127.0.0.1:{owner.getsockname()[1]}"
        for program in PROGRAMS:
            for flags in (["--listen", taken],
                          ["--listen", f"127.0.0.1:{free_port()}", "--probe-listen", taken]):
                said = refusal(program, Path(name), *flags)
                assert said == (f"{program}: cannot listen on {taken}: Address already in use "
                                "(another process listens there: stop it or choose another "
                                "port)\n"), said


if __name__ == "__main__":
    sys.exit(run_tests([probes_need_no_client_certificate,
                        metrics_tell_how_long_answers_took_what_runs_and_when_its_certificate_ends,
                        probes_want_a_port_of_their_own,
                        a_program_asks_itself_whether_it_is_well,
                        another_client_authority_is_heeded_without_a_restart,
                        a_taken_port_is_one_sentence_with_the_mend]))
