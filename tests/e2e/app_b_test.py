"""App B on SQLite and on a real PostgreSQL: replicas that start at once, verdicts, an outage."""

import http.client
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from harness import BIN, free_port, run_tests, wait_until

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


class Replica:
    def __init__(self, database):
        self.port = free_port()
        self.process = subprocess.Popen(
            [BIN / "app_b", "--listen", f"127.0.0.1:{self.port}", "--database", database,
             "--seed-development", "--log", "off"])

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
            postgres.start()
            wait_until(replicas[0].ready, "ready again")
            wait_until(lambda: replicas[0].ask("POST", "/auth", "token=mytoken")[0] == 200,
                       "verdicts again")
            for replica in replicas:
                replica.end()
        finally:
            postgres.stop()


if __name__ == "__main__":
    sys.exit(run_tests([on_sqlite, on_postgres]))
