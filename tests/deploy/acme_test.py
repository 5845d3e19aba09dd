"""Public certificates by ACME without Kubernetes, as docs/certificates.md has it: config/prod.yaml and what that page
adds to it, lego, and Pebble for an authority, all on loopback."""
import http.client
import json
import os
import pathlib
import re
import shutil
import socket
import socketserver
import ssl
import subprocess
import textwrap
import threading

import pytest
import yaml
from waiting import connects, free_port, wait_until

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("GATEWAY_BIN", ROOT / "build/release/bin"))
HOST = "jobs.example.com"
CHALLENGES = "/.well-known/acme-challenge"
JOBS = b"Jobs:\nTitle: Devops\nDescription: Awesome\n"


def tool(name):
    return subprocess.run([ROOT / "tools/install-tool", name], check=True, capture_output=True,
                          text=True).stdout.strip()


class Names(socketserver.ThreadingTCPServer):
    """A DNS server over TCP, as Pebble asks it, that says 127.0.0.1 whatever the name is."""
    daemon_threads = True

    class RequestHandlerClass(socketserver.StreamRequestHandler):
        def handle(self):
            while len(size := self.rfile.read(2)) == 2:
                asked = self.rfile.read(int.from_bytes(size, "big"))
                end = asked.index(b"\0", 12) + 5
                is_a = asked[end - 4:end - 2] == b"\0\1"
                answer = b"\xc0\x0c\0\1\0\1\0\0\0\1\0\4\x7f\0\0\1" if is_a else b""
                counts = b"\0\1" + (b"\0\1" if is_a else b"\0\0") + b"\0\0\0\0"
                said = asked[:2] + b"\x81\x80" + counts + asked[12:end] + answer
                self.wfile.write(len(said).to_bytes(2, "big") + said)

    def __init__(self):
        super().__init__(("127.0.0.1", 0), self.RequestHandlerClass)
        self.address = "127.0.0.1:%d" % self.server_address[1]


def blocks_of(page, language):
    found = re.findall(rf"^ *```{language}\n(.*?)^ *```", (ROOT / page).read_text(), re.M | re.S)
    return [textwrap.dedent(block) for block in found]


def added_by_the_documents():
    """What docs/certificates.md adds to a configuration: an upstream and a route."""
    block, = (block for block in blocks_of("docs/certificates.md", "yaml") if "acme-challenge" in block)
    return yaml.safe_load(block)


class Site:
    """Starts in `with`, leaves nothing behind: App A and App B, the gateway before them, Pebble."""

    def __init__(self, folder):
        self.folder, self.processes = folder, {}
        self.ports = {name: free_port() for name in ("https", "http", "admin", "app-a", "app-b", "acme", "authority",
                                                     "management")}
        self.made, self.public = folder / "made", folder / "certificates"
        self.names = Names()
        self.environment = {**os.environ, "GATEWAY_SECRETS": str(self.made / "secrets"),
                            "GATEWAY_CERTIFICATES": str(self.public)}

    def __enter__(self):
        try:
            self.begin()
        except BaseException:
            self.__exit__()
            raise
        return self

    def begin(self):
        threading.Thread(target=self.names.serve_forever, daemon=True).start()
        self.certs("--public", "first.invalid")
        self.public.mkdir()
        for end in ("crt", "key"):
            shutil.copy(self.made / f"tls/ecdsa.{end}", self.public / f"zz-first.{end}")
        self.start_app("app_a", "app-a")
        self.start_app("app_b", "app-b", "--database", self.folder / "app_b.sqlite", "--seed-development")
        self.configure()
        self.start("gateway", BIN / "gateway", "--config", self.folder / "gateway.yaml")
        self.start_pebble()
        wait_until(lambda: self.admin("/readyz") == 200, "the gateway is ready")

    def __exit__(self, *_):
        for process in self.processes.values():
            process.kill()
            process.wait()
        self.names.shutdown()
        self.names.server_close()

    def certs(self, *options, out=None):
        subprocess.run([BIN / "gateway", "certs", "--out", out or self.made, *options], check=True,
                       capture_output=True)

    def start(self, name, *command, **environment):
        log = open(self.folder / f"{name}.log", "ab")
        self.processes[name] = subprocess.Popen(command, stdout=log, stderr=log,
                                                env={**self.environment, **environment})

    def log(self, name):
        return (self.folder / f"{name}.log").read_text(errors="replace")

    def start_app(self, program, name, *options):
        secrets, port = self.made / "secrets", self.ports[name]
        self.start(name, BIN / program, "--listen", f"127.0.0.1:{port}", "--certificate", secrets / f"{name}.crt",
                   "--key", secrets / f"{name}.key", "--client-ca", secrets / "gateway-ca.crt", *options)
        wait_until(lambda: connects(port), name)

    def start_pebble(self):
        self.certs("--public", "localhost,127.0.0.1", out=self.folder / "pebble")
        settings = {"listenAddress": f"127.0.0.1:{self.ports['authority']}",
                    "managementListenAddress": f"127.0.0.1:{self.ports['management']}",
                    "certificate": str(self.folder / "pebble/tls/ecdsa.crt"),
                    "privateKey": str(self.folder / "pebble/tls/ecdsa.key"),
                    "httpPort": self.ports["http"], "tlsPort": self.ports["https"]}
        (self.folder / "pebble.json").write_text(json.dumps({"pebble": settings}))
        self.start("pebble", tool("pebble"), "-config", self.folder / "pebble.json", "-dnsserver", self.names.address,
                   PEBBLE_VA_NOSLEEP="1")
        wait_until(lambda: connects(self.ports["management"]) and connects(self.ports["authority"]), "Pebble answers")

    def configure(self, change=lambda model: None):
        """config/prod.yaml with the page's addition; only addresses are others, and the rate that one client may
        have."""
        model = yaml.safe_load((ROOT / "config/prod.yaml").read_text())
        addition = added_by_the_documents()
        model["upstreams"] += addition["upstreams"]
        model["routes"] += addition["routes"]
        model["admin"]["address"] = f"127.0.0.1:{self.ports['admin']}"
        for listener in model["listeners"]:
            listener["address"] = f"127.0.0.1:{self.ports[listener['name']]}"
        for upstream in model["upstreams"]:
            upstream["endpoints"] = [f"127.0.0.1:{self.ports[upstream['name']]}"]
        for filters in (model["filters"], *(route.get("filters", []) for route in model["routes"])):
            for each in filters:
                if each["type"] == "rate_limit":
                    each.update(rate=1000000, burst=1000000)
        change(model)
        (self.folder / "new").write_text(yaml.safe_dump(model))
        os.replace(self.folder / "new", self.folder / "gateway.yaml")

    def admin(self, path, method="GET"):
        token = (self.made / "secrets/admin-token").read_text().strip()
        connection = http.client.HTTPConnection("127.0.0.1", self.ports["admin"], timeout=30)
        try:
            connection.request(method, path, headers={"Authorization": f"Bearer {token}"})
            return connection.getresponse().status
        except OSError:
            return None
        finally:
            connection.close()

    def plain(self, path):
        """Status and Location over plain HTTP."""
        connection = http.client.HTTPConnection("127.0.0.1", self.ports["http"], timeout=30)
        try:
            connection.request("GET", path, headers={"Host": HOST})
            response = connection.getresponse()
            return response.status, response.getheader("Location")
        finally:
            connection.close()

    def root(self):
        """The root (PEM) of what Pebble issues, which is another each time that it starts."""
        context = ssl.create_default_context(cafile=self.folder / "pebble/ca.crt")
        connection = http.client.HTTPSConnection("127.0.0.1", self.ports["management"], timeout=30, context=context)
        connection.request("GET", "/roots/0")
        return connection.getresponse().read().decode()

    def lego(self, *options):
        """As the page has it, with another server, folder and port."""
        ran = subprocess.run(
            [tool("lego"), "run", "--accept-tos", "--email", "ops@example.com", "--domains", HOST, "--http",
             "--http.address", f"127.0.0.1:{self.ports['acme']}", "--path", self.folder / "lego", "--deploy-hook",
             f"{ROOT / 'packaging/acme-deploy'} {self.public}", "--server",
             f"https://127.0.0.1:{self.ports['authority']}/dir", *options],
            capture_output=True, text=True, check=False, timeout=120,
            env={**self.environment, "LEGO_CA_CERTIFICATES": str(self.folder / "pebble/ca.crt")})
        assert ran.returncode == 0, (ran.stdout, ran.stderr, self.log("pebble")[-2000:])

    def files(self):
        return {end: (self.public / f"{HOST}.{end}").read_text() for end in ("crt", "key")}


class Client:
    """Believes one authority and asks for HOST."""

    def __init__(self, site, authority):
        self.site = site
        self.context = ssl.create_default_context(cadata=authority)

    def dial(self):
        raw = socket.create_connection(("127.0.0.1", self.site.ports["https"]), timeout=30)
        connection = http.client.HTTPConnection(HOST)
        connection.sock = self.context.wrap_socket(raw, server_hostname=HOST)
        return connection

    def shown(self):
        """The certificate (PEM) of HOST, or nothing where it is not to be believed."""
        try:
            connection = self.dial()
        except (OSError, ssl.SSLError):
            return None
        with connection.sock:
            return ssl.DER_cert_to_PEM_cert(connection.sock.getpeercert(binary_form=True))

    def ask(self, method, path, token=None):
        connection = self.dial()
        try:
            return self.ask_on(connection, method, path, token)
        finally:
            connection.close()

    @staticmethod
    def ask_on(connection, method, path, token=None):
        connection.request(method, path, headers={"Authorization": token} if token else {})
        response = connection.getresponse()
        return response.status, response.read()


class Load(threading.Thread):
    """Requests, each on a connection of its own, or all on one, until stopped."""

    def __init__(self, client, kept):
        super().__init__(daemon=True)
        self.client, self.kept = client, kept
        self.done, self.failures, self.ending = 0, [], threading.Event()

    def run(self):
        connection = self.client.dial() if self.kept else None
        while not self.ending.is_set():
            try:
                answer = (Client.ask_on(connection, "POST", "/jobs", "mytoken") if self.kept
                          else self.client.ask("POST", "/jobs", "mytoken"))
                if answer != (200, JOBS):
                    self.failures.append(answer)
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(repr(error))
            self.done += 1


class Busy:
    def __init__(self, client):
        self.loads = [Load(client, kept=number == 0) for number in range(4)]

    def __enter__(self):
        for load in self.loads:
            load.start()
        return self

    def __exit__(self, *_):
        for load in self.loads:
            load.ending.set()
        for load in self.loads:
            load.join(60)
            assert not load.is_alive(), "a client hangs"

    def goes_on(self):
        before = [load.done for load in self.loads]
        wait_until(lambda: all(load.done > done + 20 for load, done in zip(self.loads, before)), "requests go on")

    def failures(self):
        return [failure for load in self.loads for failure in load.failures]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with Site(tmp_path_factory.mktemp("acme")) as made:
        yield made


@pytest.fixture(scope="module")
def issued(site):
    """Somebody who believes the authority, once it has issued a first certificate."""
    client = Client(site, site.root())
    assert client.shown() is None, "nobody but us made what is shown before"
    site.lego()
    wait_until(client.shown, "the issued certificate is shown")
    return client


def leaf_of(text):
    return text[:text.index("-----END CERTIFICATE-----")] + "-----END CERTIFICATE-----\n"


def test_before_the_first_certificate_the_gateway_serves_with_another(site):
    own = ssl.create_default_context(cafile=site.made / "ca.crt")
    raw = socket.create_connection(("127.0.0.1", site.ports["https"]), timeout=30)
    with own.wrap_socket(raw, server_hostname="first.invalid") as connection:
        assert connection.version() in ("TLSv1.2", "TLSv1.3")


def test_only_the_challenge_is_not_redirected(site):
    assert site.plain("/hello") == (308, f"https://{HOST}/hello")
    # The client listens while it asks only: there is nobody.
    assert site.plain(f"{CHALLENGES}/absent") == (503, None)
    assert site.plain(f"{CHALLENGES}s")[0] == 308


def test_a_certificate_is_issued_and_shown(site, issued):
    assert issued.shown() == leaf_of(site.files()["crt"])
    assert issued.ask("POST", "/jobs")[0] == 401
    assert issued.ask("POST", "/jobs", "mytoken") == (200, JOBS)


def test_what_was_issued_is_as_readable_as_its_folder(site, issued):
    folder = site.public.stat()
    for end in ("crt", "key"):
        facts = (site.public / f"{HOST}.{end}").stat()
        assert facts.st_mode & 0o777 == 0o640 and facts.st_gid == folder.st_gid


def test_another_run_renews_nothing_before_it_is_due(site, issued):
    before = site.files()
    site.lego()
    assert site.files() == before


def test_renewals_under_load_fail_no_request(site, issued):
    with Busy(issued) as busy:
        for _ in range(3):
            before = issued.shown()
            busy.goes_on()
            site.lego("--renew-force", "--no-random-sleep")
            wait_until(lambda before=before: issued.shown() not in (None, before), "the renewed certificate is shown")
            busy.goes_on()
        assert issued.shown() == leaf_of(site.files()["crt"])
    assert not busy.failures(), (len(busy.failures()), busy.failures()[:3])


def test_the_challenge_passes_where_all_else_needs_a_token(site, issued):
    def guard(model):
        route, = (route for route in model["routes"] if route["name"] == "to-https")
        route.pop("redirect")
        route.update(forward="app-a", filters=[{"type": "token", "upstream": "app-b"}])

    site.configure(guard)
    assert site.admin("/reload", "POST") == 200
    assert site.plain("/hello")[0] == 401
    before = issued.shown()
    site.lego("--renew-force", "--no-random-sleep")
    wait_until(lambda: issued.shown() not in (None, before), "the renewed certificate is shown")
