"""A network of this run's own, and one run of docker/compose.yaml for all tests that ask it."""
import os
import pathlib
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
os.environ["NO_PROXY"] = os.environ["no_proxy"] = "*"  # nothing here is behind a proxy
os.environ["DISABLE_HC_SYSTEMD"] = "true"  # the tests ask for health themselves

from harness.engine import Compose, podman, wait_until  # noqa: E402
from harness.visitor import Visitor  # noqa: E402

# What needs least first.
ORDER = ("files_test", "images_test", "compose_test", "outage_test", "stop_test")


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: ORDER.index(item.path.stem))


@pytest.fixture(scope="session", autouse=True)
def network():
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    # What podman keeps while it runs is of this mount namespace, and gone with it.
    for folder in ("/run/netns", "/run/containers", "/run/libpod"):
        pathlib.Path(folder).mkdir(exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", folder], check=True)


def remove_containers():
    """One that others depend on goes only after them, which may take several turns."""
    def gone():
        podman("rm", "--all", "--force", "--depend", "--time", "0", check=False)
        return not podman("ps", "--all", "--quiet").stdout

    wait_until(gone, "the containers of before are gone")


@pytest.fixture(scope="session")
def compose(network, tmp_path_factory):
    """All three services, prepared as docs/docker.md says."""
    made = Compose(tmp_path_factory.mktemp("compose"))
    remove_containers()
    podman("volume", "prune", "--force")
    podman("network", "prune", "--force")
    made.run("--profile", "prepare", "run", "--rm", "prepare")
    made.run("up", "-d", "--no-build")
    yield made
    remove_containers()


@pytest.fixture(scope="session")
def visitor(compose):
    """Whoever comes from outside, with the token of a user who was added."""
    made = Visitor(compose.folder / "secrets/made/ca.crt")

    def add():
        said = compose.run("run", "--rm", "-T", "app-b", "user", "add", "ann", check=False)
        return said.stdout.split()[-1] if said.returncode == 0 and said.stdout.split() else None

    made.token = wait_until(add, "a user is added")
    for path, host in (("/hello", "localhost"), ("/", "hello.localhost"), ("/", "visitors.localhost")):
        wait_until(lambda path=path, host=host: made.ask("GET", path, host)[0] == 200, f"{host}{path} answers")
    wait_until(lambda: made.jobs()[0] == 200, "/jobs answers")
    return made
