"""Reads the gateway's query API: sums over all its replicas, at this moment."""
import argparse
import base64
import contextlib
import http.client
import json
import pathlib
import re
import ssl
import subprocess
import threading
import urllib.error
import urllib.parse
import urllib.request

NAMESPACE = "gateway"
SERVICE = "gateway-peers"
SECRET = "gateway-readers"
PORT = 9903


class NoNumber(Exception):
    """The sums are not known, or nobody answers."""


class Address:
    def __init__(self, url, token, context):
        self.url, self.token, self.context = url.rstrip("/"), token, context


class QueryApi:
    def __init__(self, address, timeout=5):
        self.address, self.timeout = address, timeout

    def sum(self, metric, **labels):
        """Over the series whose labels match as expressions; 0 where there is none of them."""
        matchers = ",".join(f"{name}=~{json.dumps(text)}" for name, text in labels.items())
        query = urllib.parse.urlencode({"query": f"sum({metric}{{{matchers}}})"})
        request = urllib.request.Request(f"{self.address.url}/api/v1/query?{query}",
                                         headers={"Authorization": f"Bearer {self.address.token}"})
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}),
                                             urllib.request.HTTPSHandler(context=self.address.context))
        try:
            with opener.open(request, timeout=self.timeout) as answer:
                return float(json.load(answer)["data"]["result"][0]["value"][1])
        except urllib.error.HTTPError as error:
            text = error.read().decode(errors="replace")
            if error.code == 422 and "no route or upstream is selected" in text:
                return 0.0
            raise NoNumber(f"{error.code} {text.strip()[:200]}") from None
        except (OSError, ValueError, LookupError, http.client.HTTPException) as error:
            raise NoNumber(repr(error)) from None


def parser():
    """The options that say where it is."""
    options = argparse.ArgumentParser(add_help=False)
    add = options.add_argument
    add("--context", help="of kubectl; left out: the current one, which the pipeline sets by environment")
    add("--query", metavar="URL", help="of the gateway's query API; left out: kubectl's port-forward leads to it")
    add("--query-ca", metavar="FILE", help="who signed its certificate")
    add("--token-file", metavar="FILE",
        help="with its readers' token; left out: Secret gateway-readers of the namespace gateway")
    return options


class Tunnel(contextlib.ExitStack):
    """The query API's address, through `kubectl port-forward` unless --query names it. The tunnel ends at the
    replica that the API server chose; its certificate is of the replicas' own authority, and not looked at there."""

    def __init__(self, options):
        super().__init__()
        self.options = options
        self.kubectl = ["kubectl", *(["--context", options.context] if options.context else []), "-n", NAMESPACE]

    def __enter__(self):
        super().__enter__()
        url, context = self.options.query, ssl.create_default_context(cafile=self.options.query_ca)
        if self.options.query_ca is None:
            context = ssl._create_unverified_context() if url is None else context
        # With an authority of the replicas' own, their names are those of Services, not of addresses.
        context.check_hostname = context.check_hostname and self.options.query_ca is None
        try:
            token = self.token()
            return Address(url or self.forward(), token, context)
        except BaseException:
            self.close()
            raise

    def token(self):
        if self.options.token_file:
            return pathlib.Path(self.options.token_file).read_text(encoding="utf-8").strip()
        done = subprocess.run([*self.kubectl, "get", "secret", SECRET, "--output=jsonpath={.data.token}"],
                              capture_output=True, text=True, check=False, timeout=60)
        if done.returncode != 0 or not done.stdout:
            raise SystemExit(f"there is no token in the Secret {NAMESPACE}/{SECRET} ({done.stderr.strip()}): "
                             "make it as docs/delivery.md says, or name a --token-file")
        return base64.b64decode(done.stdout).decode().strip()

    def forward(self):
        process = self.enter_context(subprocess.Popen(
            [*self.kubectl, "port-forward", "--address=127.0.0.1", f"service/{SERVICE}", f":{PORT}"],
            stdout=subprocess.PIPE, text=True, start_new_session=True))
        self.callback(process.terminate)
        found = re.search(r"127\.0\.0\.1:(\d+)", process.stdout.readline())
        # It says a line for each connection, and would stop where nobody reads them.
        threading.Thread(target=process.stdout.read, daemon=True).start()
        if found is None:
            raise SystemExit("kubectl port-forward did not reach the gateway (above is why): "
                             "name the address of its query API with --query")
        return f"https://127.0.0.1:{found[1]}"
