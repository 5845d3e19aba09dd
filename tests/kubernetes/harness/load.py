"""Clients of the gateway: requests at a rate that no slow answer lowers, on kept TLS connections."""
import http.client
import pathlib
import ssl
import sys

from .network import HOST, HOST_ADDRESS

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "shared"))
from open_loop import OpenLoop

CONTEXT = ssl._create_unverified_context()
CONTEXT.minimum_version = ssl.TLSVersion.TLSv1_2


def context_with(certificate):
    """That of a client which shows one."""
    context = ssl._create_unverified_context()
    context.load_cert_chain(certificate)
    return context


class NamedConnection(http.client.HTTPSConnection):
    """To an address of our choice, with the host's name in the handshake."""

    def __init__(self, address, port, name, timeout, certificate=None):
        super().__init__(address, port, timeout=timeout, context=CONTEXT)
        self.name = name
        self.shown = context_with(certificate) if certificate else CONTEXT

    def connect(self):
        http.client.HTTPConnection.connect(self)
        self.sock = self.shown.wrap_socket(self.sock, server_hostname=self.name)


class Answer:
    def __init__(self, response):
        self.status, self.headers, self.body = response.status, response.headers, response.read()


def exchange(path, method="GET", headers=None, address=HOST_ADDRESS, port=443, host=HOST, timeout=10, body=None,
             name=None, certificate=None):
    """One request on a connection of its own; over plain HTTP to the ports of that. `name`: in the handshake, where
    it is not the host's. `certificate`: a client's, in one file with its key."""
    plain = port in (80, 8080)
    connection = http.client.HTTPConnection(address, port, timeout=timeout) if plain else NamedConnection(
        address, port, name or host, timeout, certificate)
    try:
        connection.request(method, path, body=body, headers={"Host": host, **(headers or {})})
        return Answer(connection.getresponse())
    finally:
        connection.close()


def ask(*arguments, **options):
    """Status and body of exchange()."""
    answer = exchange(*arguments, **options)
    return answer.status, answer.body


def certificate(address, port, host=HOST):
    """What the server shows for a name, as DER."""
    connection = NamedConnection(address, port, host, 10)
    try:
        connection.connect()
        return connection.sock.getpeercert(binary_form=True)
    finally:
        connection.close()


class Load(OpenLoop):
    """Starts in `with`. `target` is an address and a port."""

    def __init__(self, rate, path="/jobs", method="POST", headers=None, target=(HOST_ADDRESS, 443), width=8,
                 timeout=10):
        def dial(at, patience):
            return NamedConnection(at[0], at[1], HOST, patience)

        super().__init__(rate, target, dial, path, method, {"Host": HOST, "Authorization": "mytoken", **(headers or {})},
                         width, timeout)
