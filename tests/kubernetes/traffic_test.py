"""The exercises' own lines against the Ingress, over HTTPS."""
import subprocess

import pytest

from harness.cluster import JOBS, TOKEN, ab
from harness.load import ask
from harness.network import HOST


def test_ab_of_the_exercises_gets_500_of_500(gateway):
    facts = ab("/jobs")
    assert (facts["Complete requests"], facts["Failed requests"], facts["Document Length"]) == (
        "500", "0", "41 bytes")
    assert "Non-2xx responses" not in facts


def test_the_token_decides(gateway):
    assert ask("/jobs", "POST", TOKEN) == (200, JOBS)
    for headers in ({}, {"Authorization": "wrong"}):
        assert ask("/jobs", "POST", headers)[0] == 401, headers
    assert ask("/hello") == (200, b"Hello there")


def test_each_application_has_a_host_and_the_paths_that_it_names(gateway):
    assert ask("/", host="hello.example.com") == (200, b"Hello, world!")
    assert ask("/", host="visitors.example.com")[0] == 200
    assert ask("/version", host="visitors.example.com")[0] == 200
    for host in ("hello", "visitors"):
        for path in ("/metrics", "/readyz", "/other"):
            assert ask(path, host=f"{host}.example.com")[0] == 404, (host, path)


def test_what_no_ingress_names_is_404(gateway):
    assert ask("/auth", "POST", TOKEN)[0] == 404
    assert ask("/jobs", "POST", TOKEN, host="unknown.example.com")[0] == 404


@pytest.mark.parametrize("version", ["1.1", "1.2", "1.3"])
def test_tls_is_1_2_or_newer(gateway, version):
    flag = "-tls" + version.replace(".", "_")
    done = subprocess.run(["openssl", "s_client", "-connect", f"{HOST}:443", "-servername", HOST, flag],
                          input="", capture_output=True, text=True, check=False, timeout=20)
    assert (done.returncode == 0) == (version != "1.1"), done.stderr


def test_the_address_of_the_load_balancer_is_in_the_status(gateway):
    service = gateway.api.find("Service", "gateway", "gateway")
    for name in ("jobs", "hello"):
        wanted = service["status"]["loadBalancer"]["ingress"][0]["ip"]
        found = gateway.api.find("Ingress", name, "jobs")["status"]["loadBalancer"]["ingress"]
        assert [each.get("ip") for each in found] == [wanted], name
