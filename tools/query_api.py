"""Reads the gateway's query API: sums over all its replicas, at this moment."""
import argparse
import base64
import http.client
import json
import pathlib
import re
import select
import ssl
import subprocess
import threading
import urllib.parse

NAMESPACE = "gateway"
SERVICE = "gateway-peers"
NAME = f"{SERVICE}.{NAMESPACE}.svc"
SECRET = "gateway-readers"
PORT = 9903
PATIENCE = 30  # seconds for kubectl to say where a tunnel begins


class NoNumber(Exception):
    """The sums are not known, or nobody answers."""


class NamedConnection(http.client.HTTPSConnection):
    """To an address, of whoever shows a certificate for a name."""

    def __init__(self, host, timeout, context, name):
        super().__init__(host, timeout=timeout)
        self.tls, self.name = context, name

    def connect(self):
        http.client.HTTPConnection.connect(self)
        self.sock = self.tls.wrap_socket(self.sock, server_hostname=self.name)


class QueryApi:
    def __init__(self, address, timeout=5):
        self.address, self.timeout = address, timeout

    def sum(self, metric, **labels):
        """Over the series whose labels match as expressions; 0 where there is none of them."""
        matchers = ",".join(f"{name}=~{json.dumps(text)}" for name, text in labels.items())
        query = "?" + urllib.parse.urlencode({"query": f"sum({metric}{{{matchers}}})"})
        try:
            status, text = self.ask(query)
        except (OSError, http.client.HTTPException) as error:
            if not self.address.renew():
                raise NoNumber(repr(error)) from None
            try:
                status, text = self.ask(query)
            except (OSError, http.client.HTTPException) as another:
                raise NoNumber(repr(another)) from None
        if status == 422 and "no route or upstream is selected" in text:
            return 0.0
        if status != 200:
            raise NoNumber(f"{status} {text.strip()[:200]}")
        try:
            return float(json.loads(text)["data"]["result"][0]["value"][1])
        except (ValueError, LookupError, TypeError) as error:
            raise NoNumber(repr(error)) from None

    def ask(self, query):
        address = self.address
        where = urllib.parse.urlsplit(address.url)
        if where.scheme == "https":
            connection = NamedConnection(where.netloc, self.timeout, address.context, address.name or where.hostname)
        else:
            connection = http.client.HTTPConnection(where.netloc, timeout=self.timeout)
        try:
            connection.request("GET", f"{where.path.rstrip('/')}/api/v1/query{query}",
                               headers={"Authorization": f"Bearer {address.token}"})
            answer = connection.getresponse()
            return answer.status, answer.read().decode(errors="replace")
        finally:
            connection.close()


def parser():
    """The options that say where it is."""
    options = argparse.ArgumentParser(add_help=False)
    add = options.add_argument
    add("--context", help="of kubectl; left out: the current one, which the pipeline sets by environment")
    add("--query", metavar="URL", help="of the gateway's query API; left out: kubectl's port-forward leads to it")
    add("--query-ca", metavar="FILE", help="who signed its certificate")
    add("--query-name", metavar="NAME", default=NAME, help=f"that this certificate is for ({NAME})")
    add("--token-file", metavar="FILE",
        help="with its readers' token; left out: Secret gateway-readers of the namespace gateway")
    return options


class Tunnel:
    """The query API's address, through `kubectl port-forward` unless --query names it. The tunnel ends at the
    replica that the API server chose; its certificate is of the replicas' own authority, and looked at with
    --query-ca alone. When that replica goes the tunnel breaks, and `renew` makes another."""

    def __init__(self, options):
        self.options, self.url, self.process = options, options.query, None
        self.kubectl = ["kubectl", *(["--context", options.context] if options.context else []), "-n", NAMESPACE]
        # With an authority of the replicas' own, their names are those of Services, not of addresses.
        self.name = options.query_name if options.query_ca else None
        self.context = ssl.create_default_context(cafile=options.query_ca)
        if self.url is None and options.query_ca is None:
            self.context = ssl._create_unverified_context()
        self.token = ""

    def __enter__(self):
        self.token = self.read_token()
        try:
            self.renew()
        except NoNumber as error:
            raise SystemExit(f"{error} (above is why): name the address of its query API with --query") from None
        return self

    def __exit__(self, *_):
        self.close()

    def renew(self):
        """Whether there is another way now; none is made of an address that was named."""
        if self.options.query is not None:
            return False
        self.close()
        self.url = f"https://127.0.0.1:{self.forward()}"
        return True

    def close(self):
        if self.process is not None:
            with self.process:
                self.process.kill()
            self.process = None

    def read_token(self):
        if self.options.token_file:
            return pathlib.Path(self.options.token_file).read_text(encoding="utf-8").strip()
        done = subprocess.run([*self.kubectl, "get", "secret", SECRET, "--output=jsonpath={.data.token}"],
                              capture_output=True, text=True, check=False, timeout=60)
        if done.returncode != 0 or not done.stdout:
            raise SystemExit(f"there is no token in the Secret {NAMESPACE}/{SECRET} ({done.stderr.strip()}): "
                             "make it as docs/delivery.md says, or name a --token-file")
        return base64.b64decode(done.stdout).decode().strip()

    def forward(self):
        self.process = process = subprocess.Popen(
            [*self.kubectl, "port-forward", "--address=127.0.0.1", f"service/{SERVICE}", f":{PORT}"],
            stdout=subprocess.PIPE, text=True, start_new_session=True)
        said = process.stdout.readline() if select.select([process.stdout], [], [], PATIENCE)[0] else ""
        found = re.search(r"127\.0\.0\.1:(\d+)", said)
        if found is None:
            self.close()
            raise NoNumber("kubectl port-forward did not reach the gateway")
        # It says a line for each connection, and would stop where nobody reads them.
        threading.Thread(target=process.stdout.read, daemon=True).start()
        return found[1]
