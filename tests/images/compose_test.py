"""docker/compose.yaml as it is, all profiles at once: what a visitor gets, and what nobody reaches."""
import json
import socket
import subprocess

import pytest

from harness.engine import inspect, of_service, podman, Container, wait_until

JOBS = "Jobs:\nTitle: Devops\nDescription: Awesome\n"
FORGED = ("-H", "X-Auth-User: density")


def opens(address, port):
    try:
        socket.create_connection((address, port), 5).close()
        return True
    except OSError:
        return False


@pytest.mark.parametrize("tls", (False, True))
def test_jobs_are_for_who_has_a_token(visitor, tls):
    assert visitor.ask("GET", "/hello", tls=tls) == (200, "Hello there")
    assert visitor.jobs(tls=tls) == (200, JOBS)
    assert visitor.jobs("mytoken", tls=tls)[0] == 401, "the development user is not there"
    assert visitor.ask("POST", "/jobs", tls=tls)[0] == 401


def test_hello_and_the_page_have_hosts_of_their_own(visitor):
    assert visitor.ask("GET", "/", "hello.localhost") == (200, "Hello, world!")
    own, total = visitor.visit()
    assert visitor.visit() == (own + 1, total)
    status, page = visitor.ask("GET", "/", "visitors.localhost")
    assert status == 200 and "PostgreSQL 17" in page and "Ann" in page
    assert visitor.ask("GET", "/")[0] == 404


def test_nobody_counts_as_somebody_else(visitor):
    total = visitor.visit()[1]
    for last in range(5):
        visitor.ask("GET", "/", "visitors.localhost", **{"X-Forwarded-For": f"203.0.113.{last}"})
    assert visitor.visit()[1] == total


def test_nothing_but_the_gateway_has_a_port_on_the_host(compose, visitor):
    published = {name: [port["host_port"] for port in each["Ports"] or ()]
                 for name, each in compose.containers().items()}
    assert sorted(published.pop("gateway_gateway_1")) == [8080, 8443]
    assert not any(published.values()), published


def test_app_a_answers_the_gateway_alone(compose, visitor):
    """The host itself is on every network: what it is refused, any neighbour would be."""
    app_a = "https://app-a:5000/jobs"
    curl = ["curl", "--silent", "--show-error", "--max-time", "10", "--resolve",
            f"app-a:5000:{of_service('app-a').addresses[0]}", "--cacert", compose.folder / "secrets/made/ca.crt"]

    def run(*more):
        return subprocess.run([*curl, *more], capture_output=True, text=True, check=False)

    refused = run("-X", "POST", *FORGED, app_a)
    assert refused.returncode in (35, 56) and refused.stdout == "", refused
    plain = run("-X", "POST", *FORGED, app_a.replace("https", "http"))
    assert "Jobs" not in plain.stdout, plain
    neighbour = compose.folder / "secrets/app-b"
    refused = run("-X", "POST", *FORGED, "--cert", neighbour / "app-b.crt", "--key", neighbour / "app-b.key", app_a)
    assert refused.returncode in (35, 56) and refused.stdout == "", refused
    gateway = compose.folder / "secrets/gateway"
    let_in = run("-X", "POST", "--cert", gateway / "gateway.crt", "--key", gateway / "gateway.key", app_a)
    assert let_in.stdout == JOBS, let_in


def test_users_are_added_rotated_disabled_and_listed_by_containers_of_a_moment(compose, visitor):
    def user(*arguments):
        return compose.run("run", "--rm", "-T", "app-b", "user", *arguments, check=False)

    def token_of(said):
        assert said.returncode == 0, said
        return said.stdout.split()[-1]

    names = set(compose.containers())
    first = token_of(user("add", "bob"))
    assert visitor.jobs(first) == (200, JOBS)
    again = user("add", "bob")
    assert again.returncode != 0 and "user rotate bob gives a new token" in again.stdout + again.stderr
    second = token_of(user("rotate", "bob"))
    assert visitor.jobs(second) == (200, JOBS)
    wait_until(lambda: visitor.jobs(first)[0] == 401, "the token of before ends")
    assert user("disable", "bob").returncode == 0
    listed = user("list").stdout
    assert "ann" in listed and "bob  (disabled)" in listed
    assert not any(token in listed for token in (visitor.token, first, second))
    wait_until(lambda: visitor.jobs(second)[0] == 401, "a user who is disabled is let in no more")
    assert visitor.jobs() == (200, JOBS)
    assert set(compose.containers()) == names, "nothing of it stays"


@pytest.mark.parametrize("beside, private, port", (
    ("visitors", "app-a", 5000), ("app-a", "app-b", 5001), ("app-a", "app-b-db", 5432), ("visitors", "app-b-db", 5432),
    ("hello", "visitors-db", 5432), ("gateway", "app-b-db", 5432), ("gateway", "visitors-db", 5432)))
def test_neighbours_do_not_reach_what_is_not_theirs(compose, visitor, beside, private, port):
    at = of_service(private).addresses[0]
    assert opens(at, port), "it is there"
    script = f"import socket; socket.create_connection(('{at}', {port}), 3)"
    assert of_service(beside).in_its_network("python3", "-c", script).returncode != 0


def test_the_back_end_of_hello_is_its_fronts_alone(visitor):
    front = of_service("hello-network")
    ask = "import urllib.request; print(urllib.request.urlopen('http://{}:8000/', timeout=5).read().decode())"
    assert front.in_its_network("python3", "-c", ask.format("127.0.0.1")).stdout.strip() == "Hello, world!"
    assert not any(opens(address, 8000) for address in front.addresses)


def test_everything_runs_read_only_and_without_capabilities(compose, visitor):
    running = [name for name, each in compose.containers().items() if each["State"] == "running"]
    assert len(running) == 10, running
    for name in running:
        assert inspect(name, "{{.HostConfig.ReadonlyRootfs}}") == "true", name
        assert set(podman("top", name, "capeff").stdout.splitlines()[1:]) == {"none"}, name
        assert inspect(name, "{{.Config.User}}") in ("65532:65532", "999:999"), name
        assert "no-new-privileges" in inspect(name, "{{json .HostConfig.SecurityOpt}}"), name


def test_migrations_ran_once_and_ended(compose, visitor):
    ended = {name: each["ExitCode"] for name, each in compose.containers().items() if each["State"] == "exited"}
    assert ended == {f"gateway_{name}_1": 0 for name in ("app-b-migrate", "hello-schema", "visitors-migrate")}


def test_no_password_is_in_a_log_an_environment_or_a_command(compose, visitor):
    for service in ("app-b", "hello", "visitors"):
        password = (compose.folder / f"secrets/{service}-db/password").read_text().strip()
        assert len(password) == 48
        for name in compose.containers():
            assert password not in Container(name).log(), name
            assert password not in json.dumps(json.loads(podman("inspect", name).stdout)), name


def test_a_second_preparation_changes_nothing(compose, visitor):
    def everything():
        folder = compose.folder / "secrets"
        return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}

    before = everything()
    compose.run("--profile", "prepare", "run", "--rm", "prepare")
    assert everything() == before


def test_secrets_are_closed_to_others_of_the_host(compose):
    assert (compose.folder / "secrets").stat().st_mode & 0o777 == 0o700


def test_a_backup_is_one_command_and_another_brings_it_back(compose, visitor, tmp_path):
    said = compose.run("exec", "-T", "app-b-db", "pg_dump", "-U", "app_b", "app_b")
    assert "ann" in said.stdout and visitor.token not in said.stdout
    own, _ = visitor.visit()
    dump = tmp_path / "visitors.dump"
    with dump.open("wb") as file:
        compose.run("exec", "-T", "visitors-db", "pg_dump", "-U", "visitors", "-Fc", "visitors", stdout=file)
    assert visitor.visit()[0] == own + 1
    with dump.open("rb") as file:
        compose.run("exec", "-T", "visitors-db", "pg_restore", "-U", "visitors", "-d", "visitors", "--clean",
                    "--if-exists", stdin=file)
    assert wait_until(visitor.visit, "the page counts")[0] == own + 1, "from where the backup was made"


def test_a_configuration_that_is_saved_is_live_and_one_that_is_wrong_is_refused(compose, visitor):
    file = compose.folder / "gateway/gateway.yaml"
    before = file.read_text()
    route = "  - {name: teapot, match: {path: /teapot}, respond: {status: 418}}\n"

    def save(text):
        file.with_suffix(".new").write_text(text)
        file.with_suffix(".new").rename(file)

    def check():
        return compose.run("run", "--rm", "-T", "gateway", "--config", "/etc/gateway/gateway.yaml", "--check", check=False)

    save(before + route)
    wait_until(lambda: visitor.ask("GET", "/teapot")[0] == 418, "the route is live")
    assert check().returncode == 0
    save(before + route.replace("respond", "responds"))
    wait_until(lambda: "responds" in of_service("gateway").log(), "it is told")
    assert check().returncode == 1
    assert visitor.ask("GET", "/teapot")[0] == 418
    save(before)
    wait_until(lambda: visitor.ask("GET", "/teapot")[0] == 404, "the route is gone")
