"""App B on SQLite and on a real PostgreSQL: replicas that start at once, verdicts, an outage."""

import http.client
import os
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
from pathlib import Path

from harness import BIN, connects, free_port, run_tests, wait_until

POSTGRES = max(Path("/usr/lib/postgresql").glob("*/bin"))


class Postgres:
    """A cluster of its own on a free port; the server refuses to run as root."""

    def __init__(self, folder):
        self.port = free_port()
        self.data = folder / "cluster"
        self.user = "postgres" if os.getuid() == 0 else None
        self.data.mkdir()
        if self.user:
            shutil.chown(self.data, self.user)
        self.run("initdb", "-D", self.data, "-A", "trust", "-U", "postgres", "--no-sync")
        self.url = f"postgres://postgres@127.0.0.1:{self.port}/postgres"
        self.start()

    def run(self, program, *arguments):
        subprocess.run([POSTGRES / program, *arguments], check=True, user=self.user, cwd="/",
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def start(self):
        self.run("pg_ctl", "-D", self.data, "-w", "-l", self.data / "log", "-o",
                 f"-p {self.port} -k {self.data} -c listen_addresses=127.0.0.1 -c fsync=off", "start")

    def stop(self):
        self.run("pg_ctl", "-D", self.data, "-w", "-m", "immediate", "stop")


    def processes(self):
        """The server's own and its children."""
        own = int((self.data / "postmaster.pid").read_text().split()[0])
        children = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()
                    and parent_of(entry) == own]
        return [own, *children]

    def freeze(self):
        """As a host whose network went away: it keeps its connections and says nothing."""
        for pid in self.processes():
            os.kill(pid, signal.SIGSTOP)

    def thaw(self):
        for pid in self.processes():
            os.kill(pid, signal.SIGCONT)


def parent_of(process):
    try:
        return int((process / "stat").read_text().rsplit(")", 1)[1].split()[1])
    except OSError:
        return 0


class Replica:
    def __init__(self, database, *flags):
        self.port = free_port()
        self.process = subprocess.Popen(
            [BIN / "app_b", "--listen", f"127.0.0.1:{self.port}", "--database", database,
             "--seed-development", "--log", "off", "--drain-delay-ms", "0", *flags])

    def ask(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        headers = {"Content-Type": "application/x-www-form-urlencoded"} if body else {}
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def ready(self):
        assert self.process.poll() is None, "app_b ended by itself"
        try:
            return self.ask("GET", "/readyz")[0] == 200
        except OSError:
            return False

    def end(self):
        self.process.terminate()
        assert self.process.wait(20) == 0


def verdicts(replica):
    assert replica.ask("POST", "/auth", "token=mytoken") == (200, "density")
    assert replica.ask("POST", "/auth", "other=1&token=my%74oken") == (200, "density")
    assert replica.ask("POST", "/auth", "token=wrong") == (401, "fail")
    assert replica.ask("POST", "/auth", "token=") == (401, "fail")
    assert replica.ask("POST", "/auth", "token=' OR 1=1 --") == (401, "fail")
    assert replica.ask("GET", "/auth")[0] == 405
    assert replica.ask("GET", "/users")[0] == 404


def replicas_start_at_once(database):
    replicas = [Replica(database) for _ in range(3)]
    for replica in replicas:
        wait_until(replica.ready, "ready")
        verdicts(replica)
    return replicas


def on_sqlite():
    with tempfile.TemporaryDirectory() as folder:
        for replica in replicas_start_at_once(f"{folder}/users.sqlite"):
            replica.end()
        again = Replica(f"{folder}/users.sqlite")
        wait_until(again.ready, "ready on the database that is there")
        verdicts(again)
        again.end()
        assert b"mytoken" not in Path(f"{folder}/users.sqlite").read_bytes()


def on_postgres():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        postgres = Postgres(folder)
        try:
            replicas = replicas_start_at_once(postgres.url)
            postgres.stop()
            assert replicas[0].ask("POST", "/auth", "token=mytoken")[0] == 503
            assert replicas[0].ask("GET", "/readyz")[0] == 503
            wait_until(lambda: not replicas[1].ready(), "no look-up, and yet not ready")
            postgres.start()
            for replica in replicas:
                wait_until(replica.ready, "ready again")
            # Each of the four connections of the third has been closed meanwhile.
            for _ in range(8):
                assert replicas[2].ask("POST", "/auth", "token=mytoken") == (200, "density")
            a_silent_host_is_given_up(postgres, replicas[0])
            for replica in replicas:
                replica.end()
        finally:
            postgres.stop()


def a_silent_host_is_given_up(postgres, replica):
    postgres.freeze()
    try:
        assert replica.ask("POST", "/auth", "token=mytoken")[0] == 503
        wait_until(lambda: not replica.ready(), "not ready")
    finally:
        postgres.thaw()
    wait_until(replica.ready, "ready when the host is back")
    assert replica.ask("POST", "/auth", "token=mytoken") == (200, "density")


def renewed_certificates_are_used_without_a_restart():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_pair(folder)
        app = Replica(f"{folder}/users.sqlite", "--certificate", folder / "tls.crt", "--key",
                      folder / "tls.key")
        try:
            wait_until(lambda: connects(app.port), "app_b serves")
            served = lambda: ssl.get_server_certificate(("127.0.0.1", app.port))  # noqa: E731
            first = served()
            assert first == (folder / "tls.crt").read_text()
            make_pair(folder)
            wait_until(lambda: served() == (folder / "tls.crt").read_text(), "the new certificate")
            assert served() != first
        finally:
            app.end()


def make_pair(folder):
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-days", "2", "-subj", "/CN=app-b", "-keyout", folder / "new.key", "-out",
         folder / "new.crt"], check=True, capture_output=True)
    os.replace(folder / "new.key", folder / "tls.key")
    os.replace(folder / "new.crt", folder / "tls.crt")


if __name__ == "__main__":
    sys.exit(run_tests([on_sqlite, on_postgres,
                        renewed_certificates_are_used_without_a_restart]))
