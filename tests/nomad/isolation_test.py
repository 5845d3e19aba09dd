"""Who reaches what: from outside nothing but the gateways, and App A listens to the gateways alone."""
import http.client
import socket
import ssl

import pytest

from harness.cluster import HTTP_PORT, HTTPS_PORT, wait_until
from harness.load import ask
from harness.network import PUBLIC, listening, reached_from_outside

FORGED = {"X-Auth-User": "density"}


def test_from_outside_the_private_addresses_nothing_but_the_gateways_answers(installed):
    ports = listening()
    known = {port for job, tag in (("app-a", "http"), ("app-b", "http"), ("gateway", "metrics"), ("gateway-cluster", None))
             for _, port in installed.instances(job, tag)}
    assert known and known | {4646, 4647, 5432, HTTP_PORT, HTTPS_PORT} <= set(ports), "all of them do listen"
    reached = reached_from_outside(PUBLIC, ports)
    assert sorted(reached) == sorted((address, port) for address in PUBLIC for port in (HTTP_PORT, HTTPS_PORT))


def test_no_route_leads_to_a_private_service_or_a_probe(installed):
    for host in ("localhost", "hello.localhost", "visitors.localhost", "app-b", "app-b.internal"):
        for path in ("/auth", "/healthz", "/readyz", "/metrics", "/api/rates"):
            assert ask(PUBLIC[0], path, "POST", host=host, body="token=mytoken")[0] in (404, 405), (host, path)


def context(installed, shows):
    """A client of App A that trusts it, and shows one of the certificates that there are, or none."""
    folder = installed.certificates / "secrets"
    made = ssl.create_default_context(cafile=folder / "internal-ca.crt")
    if shows:
        made.load_cert_chain(folder / f"{shows}.crt", folder / f"{shows}.key")
    return made


def direct(installed, shows):
    """GET /hello from App A itself, with a user that nobody vouched for."""
    address, port = installed.instances("app-a", "http")[0]
    connection = http.client.HTTPConnection(address, port, timeout=10)
    plain = socket.create_connection((address, port), 10)
    try:
        connection.sock = context(installed, shows).wrap_socket(plain, server_hostname="app-a.internal")
        connection.request("GET", "/hello", headers=FORGED)
        return connection.getresponse().status
    finally:
        connection.close()
        plain.close()


@pytest.mark.parametrize("shows", [None, "app-b", "visitors", "gateway"])
def test_a_direct_request_with_a_forged_user_is_refused(installed, shows):
    with pytest.raises((ssl.SSLError, ConnectionError)):
        direct(installed, shows)


def test_the_gateways_certificate_opens_app_a(installed):
    assert direct(installed, "cluster") == 200


def test_a_forged_user_goes_no_further_than_the_gateway(installed):
    wait_until(lambda: ask(PUBLIC[0], "/hello")[0] == 200, "the gateway serves")
    assert ask(PUBLIC[0], "/jobs", "POST", FORGED)[0] == 401
