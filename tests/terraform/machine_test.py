"""The user data that the plan gives Nomad's machines, run by cloud-init in a Debian root: it sets limits, installs
Docker, takes the program out of the bucket, and joins. The program is a stand-in (harness/nomad)."""
import hashlib
import json
import re
import resource
import subprocess

import pytest

from conftest import variables
from harness.machine import SERVER_ADDRESS, TOKEN, Google, Machine
from harness.workspace import HERE, ROOT


@pytest.fixture(scope="module")
def user_data(initialised):
    """Of a client, as the plan of dev has it, for the program as it is here."""
    sha256 = hashlib.sha256((HERE / "harness/nomad").read_bytes()).hexdigest()
    plan = initialised.plan("environments/dev", {**variables("dev"), "nomad_program": {"object": "nomad", "sha256": sha256}})
    changes = {each["address"]: each["change"]["after"] for each in json.loads(plan)["resource_changes"]}
    prefix = "module.environment.module.nodes[0]"
    assert changes[f"{prefix}.google_compute_address.servers[0]"]["address"] == SERVER_ADDRESS
    return changes[f"{prefix}.google_compute_instance_template.clients"]["metadata"]["user-data"]


@pytest.fixture(scope="module")
def google(tmp_path_factory):
    return Google(tmp_path_factory.mktemp("google"), HERE / "harness/nomad")


@pytest.fixture(scope="module")
def client(google, user_data, tmp_path_factory):
    return Machine(google, tmp_path_factory.mktemp("machines"), "client", "10.10.0.20", user_data).boot()


def test_the_user_data_has_the_form_that_cloud_init_knows(client):
    done = client.run("cloud-init", "schema", "--config-file", "/var/lib/cloud/seed/nocloud/user-data")
    assert done.returncode == 0 and "Valid" in done.stdout, done.stdout + done.stderr


def test_the_machine_joins(google, client):
    found = {name: (each["NodeClass"], each["Region"], each["Status"]) for name, each in google.nodes.items()}
    assert found == {"client": ("apps", "europe-west4", "ready")}
    assert "join-nomad: ready" in client.log()


def test_limits_are_set(client):
    found = client.run("sysctl", "-n", "net.core.somaxconn", "net.ipv4.ip_local_port_range").stdout.split()
    assert found == ["16384", "10000", "65000"]
    # As many open files as the unit asks for, or as this machine may give.
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    node = json.loads(client.run("nomad", "node", "status", "-self", "-json").stdout)
    assert node["Files"] == (131072 if hard == resource.RLIM_INFINITY else min(131072, hard))


def test_docker_has_the_settings_that_were_written(client):
    assert client.run("docker", "info", "--format", "{{.LoggingDriver}} {{.LiveRestoreEnabled}}").stdout == "json-file true\n"
    assert json.loads((client.root / "etc/docker/daemon.json").read_text())["log-opts"] == {"max-file": "3", "max-size": "10m"}


def test_the_program_comes_from_the_bucket_by_the_machines_own_account(google, client):
    assert set(google.asked) == {("/gateway-dev-test-tools/nomad", f"Bearer {TOKEN}")}
    assert (client.root / "usr/local/bin/nomad").read_bytes() == (HERE / "harness/nomad").read_bytes()
    assert TOKEN not in client.log()


def test_a_second_run_repeats_nothing(google, client):
    before = len(google.asked), (client.root / "run/nomad.pid").read_text()
    done = client.run("/usr/local/sbin/join-nomad")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (len(google.asked), (client.root / "run/nomad.pid").read_text()) == before
    assert done.stdout.splitlines() == ["join-nomad: limits", "join-nomad: ready"]


@pytest.fixture
def settings(client):
    """A function that changes what the machine is told; put back afterwards."""
    file = client.root / "etc/nomad.d/node.env"
    text = file.read_text()

    def change(name, value):
        file.write_text(re.sub(rf'^{name}=".*"$', f'{name}="{value}"', file.read_text(), flags=re.M))

    yield change
    file.write_text(text)


def test_a_program_with_another_checksum_is_not_installed(client, settings):
    settings("NOMAD_SHA256", "1" * 64)
    done = client.run("/usr/local/sbin/join-nomad")
    assert done.returncode == 1 and "has another SHA-256 than 1111" in done.stderr, done.stdout + done.stderr
    assert (client.root / "usr/local/bin/nomad").read_bytes() == (HERE / "harness/nomad").read_bytes()
    assert not (client.root / "usr/local/bin/nomad.part").exists()


def test_without_an_account_it_says_so(google, client, settings):
    settings("NOMAD_SHA256", "1" * 64)
    google.has_account = False
    try:
        done = client.run("/usr/local/sbin/join-nomad")
    finally:
        google.has_account = True
    assert done.returncode == 1 and "has this machine a service account?" in done.stderr, done.stdout + done.stderr


def test_a_server_is_told_how_many_they_are(client, settings):
    settings("NOMAD_ROLE", "server")
    settings("NOMAD_SERVERS", "10.10.15.253 10.10.15.252 10.10.15.251")
    settings("NOMAD_BOOTSTRAP_EXPECT", "3")
    assert client.run("/usr/local/sbin/join-nomad").returncode == 0
    text = (client.root / "etc/nomad.d/nomad.hcl").read_text()
    assert re.search(r"^server \{\n  enabled +=\s*true\n  bootstrap_expect = 3$", text, re.M), text
    assert text.count('retry_join = ["10.10.15.253", "10.10.15.252", "10.10.15.251"]') == 2


def test_the_script_is_what_shellcheck_accepts():
    done = subprocess.run(["shellcheck", ROOT / "terraform/modules/nodes/join-nomad"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
