"""tools/make-dev-certificates: what it makes is valid, private, and kept."""
import os
import pathlib
import re
import ssl
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


def make(directory, **environment):
    subprocess.run([ROOT / "tools/make-dev-certificates", directory], check=True, timeout=60,
                   env={**os.environ, **environment})
    return {path.relative_to(directory): path.read_bytes()
            for path in directory.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    directory = tmp_path_factory.mktemp("state") / "dev"
    make(directory)
    return directory


def handshake(server_context, client_context, name):
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = server_context.wrap_bio(to_server, to_client, server_side=True)
    client = client_context.wrap_bio(to_client, to_server, server_hostname=name)
    pending = [client, server]
    for _ in range(10):
        for side in list(pending):
            try:
                side.do_handshake()
                pending.remove(side)
            except ssl.SSLWantReadError:
                pass
    assert not pending
    return client, server


@pytest.mark.parametrize("kind", ["ecdsa", "rsa"])
@pytest.mark.parametrize("name", ["localhost", "jobs.localhost", "127.0.0.1"])
def test_a_client_that_trusts_the_ca_accepts_localhost(made, kind, name):
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(made / f"tls/{kind}.crt", made / f"tls/{kind}.key")
    client = ssl.create_default_context(cafile=made / "ca.crt")
    handshake(server, client, name)


def test_programs_authenticate_each_other(made):
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=made / "secrets/internal-ca.crt")
    server.verify_mode = ssl.CERT_REQUIRED
    server.load_cert_chain(made / "secrets/app-a.crt", made / "secrets/app-a.key")
    client = ssl.create_default_context(cafile=made / "secrets/internal-ca.crt")
    client.load_cert_chain(made / "secrets/gateway.crt", made / "secrets/gateway.key")
    _, accepted = handshake(server, client, "app-a.internal")
    assert accepted.getpeercert()["subject"][-1][0] == ("commonName", "gateway")


def test_keys_and_token_are_readable_by_their_owner_only(made):
    private = [*made.rglob("*.key"), *made.rglob("*-token")]
    assert len(private) == 13
    assert {path.stat().st_mode & 0o077 for path in private} == {0}


def test_a_second_run_keeps_everything(made):
    before = {path.relative_to(made): path.read_bytes() for path in made.rglob("*") if path.is_file()}
    assert make(made) == before


def test_what_runs_each_day_renews_long_before_the_alert(tmp_path):
    rules = (ROOT / "monitoring/prometheus/rules/gateway.yaml").read_text()
    days, = re.findall(r"alert: CertificateExpiresSoon\n +expr: .* < (\d+) \* 86400\n", rules)
    lifetime, = re.findall(r"^DAYS=(\d+) /tools/make-dev-certificates", (ROOT / "docker/prepare").read_text(), re.M)
    before = make(tmp_path, DAYS=str(2 * int(days)))
    after = make(tmp_path, DAYS=lifetime)
    leaves = [name for name in before if name.parent.name and name.suffix == ".crt" and not name.stem.endswith("-ca")]
    assert len(leaves) > 4 and not [name for name in leaves if after[name] == before[name]]


def test_a_certificate_of_another_ca_is_made_again(made, tmp_path):
    make(tmp_path)
    (made / "tls/rsa.crt").write_bytes((tmp_path / "tls/rsa.crt").read_bytes())
    (made / "tls/rsa.key").write_bytes((tmp_path / "tls/rsa.key").read_bytes())
    make(made)
    subprocess.run(["openssl", "verify", "-CAfile", made / "ca.crt", made / "tls/rsa.crt"],
                   check=True, capture_output=True)


def test_the_gateways_own_authority_knows_nobody_else(made, tmp_path):
    make(tmp_path)
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=tmp_path / "secrets/gateway-ca.crt")
    server.verify_mode = ssl.CERT_REQUIRED
    server.load_cert_chain(tmp_path / "secrets/app-a.crt", tmp_path / "secrets/app-a.key")
    client = ssl.create_default_context(cafile=tmp_path / "secrets/internal-ca.crt")
    client.load_cert_chain(tmp_path / "secrets/cluster.crt", tmp_path / "secrets/cluster.key")
    handshake(server, client, "app-a.internal")
    for other in ("gateway", "app-b"):
        client = ssl.create_default_context(cafile=tmp_path / "secrets/internal-ca.crt")
        client.load_cert_chain(tmp_path / f"secrets/{other}.crt", tmp_path / f"secrets/{other}.key")
        with pytest.raises(ssl.SSLError):
            handshake(server, client, "app-a.internal")
