"""App B on SQLite and on a real PostgreSQL: replicas that start at once, verdicts, an outage, users."""

import http.client
import os
import ssl
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

from harness import BIN, connects, free_port, run_tests, wait_until
from postgres import Postgres

class Replica:
    def __init__(self, database, *flags, development=True):
        self.port = free_port()
        self.process = subprocess.Popen(
            [BIN / "app_b", "--listen", f"127.0.0.1:{self.port}", "--database", database,
             *(["--seed-development"] if development else []), "--log", "off", "--drain-delay-ms", "0",
             *flags])

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


@contextmanager
def a_postgres():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        postgres = Postgres(folder)
        try:
            yield postgres
        finally:
            postgres.stop()


def command(database, *words):
    """Status, standard output and standard error of a command that ends."""
    ended = subprocess.run([BIN / "app_b", "--database", database, *words], capture_output=True,
                           text=True, timeout=60, check=False)
    return ended.returncode, ended.stdout, ended.stderr


def migrate_at_once(database):
    running = [subprocess.Popen([BIN / "app_b", "migrate", "--database", database],
                                stdout=subprocess.PIPE, text=True) for _ in range(3)]
    said = [process.communicate(timeout=60)[0] for process in running]
    assert [process.returncode for process in running] == [0, 0, 0], said
    assert sorted("(0 steps" in text for text in said) == [False, True, True], said
    status, said, _ = command(database, "migrate")
    assert (status, "(0 steps were missing)" in said) == (0, True), said


def on_postgres():
    with a_postgres() as postgres:
        early = Replica(postgres.url)
        wait_until(lambda: connects(early.port), "app_b serves")
        status, why = early.ask("GET", "/readyz")
        assert status == 503 and "run app_b migrate" in why, why
        assert early.ask("POST", "/auth", "token=mytoken")[0] == 503
        migrate_at_once(postgres.url)
        wait_until(early.ready, "the schema is seen without a restart")
        early.end()
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


def a_silent_host_is_given_up(postgres, replica):
    postgres.freeze()
    try:
        assert replica.ask("POST", "/auth", "token=mytoken")[0] == 503
        wait_until(lambda: not replica.ready(), "not ready")
    finally:
        postgres.thaw()
    wait_until(replica.ready, "ready when the host is back")
    assert replica.ask("POST", "/auth", "token=mytoken") == (200, "density")


def users_have_tokens_of_their_own():
    with a_postgres() as postgres, tempfile.TemporaryDirectory() as folder:
        assert "run app_b migrate" in command(postgres.url, "user", "list")[2]
        migrate_at_once(postgres.url)
        for database in (postgres.url, f"{folder}/users.sqlite"):
            users_come_and_go(database)


def users_come_and_go(database):
    status, token, said = command(database, "user", "add", "ann")
    token = token.strip()
    assert status == 0 and len(token) == 64 and token not in said, said
    status, _, said = command(database, "user", "add", "ann")
    assert (status, said) == (1, "app_b: there is a user ann already: user rotate ann gives a new token\n")
    assert command(database, "user", "add", "a b\nc")[0] != 0
    app = Replica(database, development=False)
    wait_until(app.ready, "ready")
    assert app.ask("POST", "/auth", f"token={token}") == (200, "ann")
    assert app.ask("POST", "/auth", "token=mytoken") == (401, "fail")
    newer = command(database, "user", "rotate", "ann")[1].strip()
    assert app.ask("POST", "/auth", f"token={token}")[0] == 401
    assert app.ask("POST", "/auth", f"token={newer}") == (200, "ann")
    assert command(database, "user", "disable", "ann")[0] == 0
    assert app.ask("POST", "/auth", f"token={newer}")[0] == 401
    assert command(database, "user", "list")[1] == "ann  (disabled)\n"
    assert command(database, "user", "disable", "bob")[0] == 1
    app.end()


def the_development_token_is_for_development():
    with tempfile.TemporaryDirectory() as folder:
        database = f"{folder}/users.sqlite"
        seeded = Replica(database)
        wait_until(seeded.ready, "ready")
        seeded.end()
        status, _, said = command(database, "--listen", f"127.0.0.1:{free_port()}")
        assert status == 1 and said.count("\n") == 1 and "user rotate density" in said, said
        assert command(database, "user", "rotate", "density")[0] == 0
        app = Replica(database, development=False)
        wait_until(app.ready, "ready once nobody comes in by it")
        app.end()


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
    sys.exit(run_tests([on_sqlite, on_postgres, users_have_tokens_of_their_own,
                        the_development_token_is_for_development,
                        renewed_certificates_are_used_without_a_restart]))
