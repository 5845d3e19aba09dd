"""The visitor counter: real replicas behind the real gateway as config/visitors.yaml has it, on a real
PostgreSQL, by hand and through a headless browser."""

import http.client
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from browser import Browser
from harness import BIN, ROOT, connects, free_port, run_tests, wait_until
from postgres import Postgres

OWNER = {"USER_NAME": "Ann <b>Bold</b> & Sons", "USER_URL": "https://ann.example/?a=1&b=\"2"}
NUMBER = re.compile(r'<dd id="(own|visitors)">([\d,]+)</dd>')


class Counter:
    """PostgreSQL, two replicas and the gateway; starts in `with`, leaves nothing behind."""

    def __enter__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="visitors-e2e-")
        self.folder = Path(self._folder.name)
        self.folder.chmod(0o755)
        self.postgres = Postgres(self.folder)
        self.replicas = [free_port(), free_port()]
        self.port, self.admin = free_port(), free_port()
        self.processes = []
        environment = {**os.environ, **OWNER, "DATABASE_URL": self.postgres.url,
                       "TRUSTED_PROXIES": "127.0.0.1", "GATEWAY_STATE": str(self.folder),
                       "GATEWAY_CERTIFICATES": str(self.folder / "tls"),
                       "VISITORS_HTTP_PORT": str(self.port), "VISITORS_HTTPS_PORT": str(free_port()),
                       "VISITORS_ADMIN_PORT": str(self.admin),
                       "VISITORS_1_PORT": str(self.replicas[0]),
                       "VISITORS_2_PORT": str(self.replicas[1])}
        subprocess.run([ROOT / "tools/make-dev-certificates", self.folder], check=True)
        subprocess.run([BIN / "visitors", "migrate"], check=True, env=environment,
                       stdout=subprocess.DEVNULL)
        for port in self.replicas:
            self.start(environment, "visitors", "--listen", f"127.0.0.1:{port}", "--drain-delay-ms", "0")
            wait_until(lambda: connects(port), "a replica serves")
        self.start(environment, "gateway", "--config", ROOT / "config/visitors.yaml")
        wait_until(lambda: connects(self.port) and self.get("/version")[0] == 200, "the gateway serves")
        return self

    def start(self, environment, program, *arguments):
        log = open(self.folder / f"{program}.log", "ab")
        self.processes.append(subprocess.Popen([BIN / program, *arguments], env=environment,
                                               stdout=log, stderr=log))

    def __exit__(self, *_):
        for process in self.processes:
            process.kill()
            process.wait()
        self.postgres.stop()
        self._folder.cleanup()

    def get(self, path="/", method="GET", client="127.0.0.1", port=None, **headers):
        return ask(port or self.port, path, method, client, **headers)

    def numbers(self, **arguments):
        """Of the page: the visitor's own count, and how many visitors there are."""
        status, text, _ = self.get(**arguments)
        assert status == 200, text
        found = {name: int(number.replace(",", "")) for name, number in NUMBER.findall(text)}
        return found["own"], found["visitors"]


def ask(port, path="/", method="GET", client="127.0.0.1", **headers):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20,
                                            source_address=(client, 0))
    try:
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode(), dict(answer.getheaders())
    finally:
        connection.close()


def each_load_counts_whichever_replica_answers():
    first = counter.numbers()
    assert first == (1, 1), first
    assert [counter.numbers() for _ in range(4)] == [(count, 1) for count in (2, 3, 4, 5)]


def another_address_is_another_visitor():
    assert counter.numbers(client="127.0.0.2") == (1, 2)
    assert counter.numbers() == (6, 2)
    assert "127.0.0.2" in counter.get(client="127.0.0.2")[1]


def what_a_client_says_of_its_address_is_not_believed():
    forged = {"X-Forwarded-For": "203.0.113.9", "Forwarded": "for=203.0.113.9", "X-Real-IP": "203.0.113.9"}
    before = counter.numbers()
    assert counter.numbers(**forged) == (before[0] + 1, before[1])
    # Past the gateway, from an address that is no trusted proxy.
    replica = counter.replicas[0]
    own, visitors = counter.numbers(client="127.0.0.3", port=replica, **forged)
    assert (own, visitors) == (1, before[1] + 1)
    assert counter.numbers(client="127.0.0.3", port=replica) == (2, visitors)


def looking_after_it_is_no_visit():
    before = counter.numbers()
    for path in ("/version", "/healthz", "/readyz", "/metrics", "/favicon.ico"):
        for replica in counter.replicas:
            counter.get(path, port=replica)
    assert counter.get(method="HEAD")[:2] == (200, "")
    assert counter.get(method="POST")[0] in (404, 405)
    assert counter.numbers() == (before[0] + 1, before[1])


def the_version_is_that_of_the_file_and_a_number():
    status, text, headers = counter.get("/version")
    version = (ROOT / "version.txt").read_text().strip()
    assert status == 200 and headers["Content-Type"] == "application/json"
    assert re.fullmatch(r'\{"version": "%s(\+\d+)?"\}\n' % re.escape(version), text), text
    shown = json.loads(text)["version"]
    assert f"visitors {shown}<" in counter.get()[1]


def the_service_pages_are_not_public():
    for path in ("/metrics", "/readyz", "/healthz"):
        assert counter.get(path)[0] == 404, path


def the_browser_shows_the_page_as_text():
    before = counter.numbers()
    for dark in (False, True):
        with Browser(dark=dark, width=900, height=640) as page:
            page.open(f"http://127.0.0.1:{counter.port}/")
            shown = {name: page.evaluate(f"document.getElementById('{name}').textContent")
                     for name in ("own", "visitors", "client", "database", "owner")}
            assert int(shown["own"].replace(",", "")) == before[0] + 1 + dark, shown
            assert shown["visitors"] == str(before[1])
            assert shown["client"] == "127.0.0.1"
            assert re.fullmatch(r"PostgreSQL \d+\.\d+", shown["database"]), shown
            assert shown["owner"] == OWNER["USER_NAME"]
            assert page.evaluate("document.getElementById('owner').href").startswith(
                "https://ann.example/")
            assert page.evaluate("document.querySelectorAll('header b, script').length") == 0
            # The style that the policy names is the one in the page.
            assert page.evaluate("getComputedStyle(document.querySelector('main')).borderTopLeftRadius"
                                 ) == "20px"
            picture(page, f"visitors-{'dark' if dark else 'light'}")
            refused = [text for text in page.complaints() if "favicon" not in text]
            assert not any("Content Security Policy" in text for text in refused), refused


def picture(page, name):
    if os.environ.get("GATEWAY_SCREENSHOTS"):
        page.screenshot(f"{os.environ['GATEWAY_SCREENSHOTS']}/{name}.png")


def without_its_database_the_page_says_so_and_recovers():
    before = counter.numbers()
    counter.postgres.stop()
    status, text, headers = counter.get()
    assert status == 503 and "Its database does not answer" in text, text
    assert headers["Retry-After"] == "5" and "127.0.0.1:" not in text
    for replica in counter.replicas:
        wait_until(lambda: counter.get("/readyz", port=replica)[0] == 503, "readiness says so")
        assert counter.get("/readyz", port=replica)[1] == "the database does not answer\n"
        assert counter.get("/healthz", port=replica)[0] == 200
    assert counter.get("/version")[0] == 200
    with Browser(width=900, height=640) as page:
        page.open(f"http://127.0.0.1:{counter.port}/")
        assert page.evaluate("document.getElementById('away') !== null")
        picture(page, "visitors-away")
        counter.postgres.start()
        for replica in counter.replicas:
            wait_until(lambda: counter.get("/readyz", port=replica)[0] == 200, "ready again")
    own, visitors = counter.numbers()  # the browser may have looked again meanwhile
    assert own > before[0] and visitors == before[1], (own, visitors)


def without_a_database_it_starts_in_development_only():
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        flags = [BIN / "visitors", "--listen", f"127.0.0.1:{port}", "--log", "off"]
        environment = {name: text for name, text in os.environ.items() if name != "DATABASE_URL"}
        refused = subprocess.run(flags, cwd=folder, env=environment, capture_output=True, text=True,
                                 timeout=30, check=False)
        assert refused.returncode == 1 and refused.stderr.count("\n") == 1, refused
        assert "set DATABASE_URL" in refused.stderr
        process = subprocess.Popen([*flags, "--development"], cwd=folder, env=environment)
        try:
            wait_until(lambda: connects(port), "it serves")
            assert "SQLite 3." in ask(port)[1]
            assert dict(NUMBER.findall(ask(port)[1])) == {"own": "2", "visitors": "1"}
        finally:
            process.kill()
            process.wait()


def a_link_that_is_no_web_address_is_refused():
    refused = subprocess.run([BIN / "visitors", "--development", "--owner-url", "javascript:alert(1)"],
                             capture_output=True, text=True, timeout=30, check=False)
    assert refused.returncode == 1
    assert refused.stderr == "visitors: USER_URL must begin with http:// or https:// and have no spaces\n"


if __name__ == "__main__":
    with Counter() as counter:
        run_tests([each_load_counts_whichever_replica_answers, another_address_is_another_visitor,
                   what_a_client_says_of_its_address_is_not_believed, looking_after_it_is_no_visit,
                   the_version_is_that_of_the_file_and_a_number, the_service_pages_are_not_public,
                   the_browser_shows_the_page_as_text,
                   without_its_database_the_page_says_so_and_recovers])
    sys.exit(run_tests([without_a_database_it_starts_in_development_only,
                        a_link_that_is_no_web_address_is_refused]))
