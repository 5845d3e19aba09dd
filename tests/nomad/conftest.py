"""One cluster of two nodes and one installation of the development environment for all tests of a run."""
import concurrent.futures
import os
import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
os.environ["NO_PROXY"] = "*"  # nothing here is behind a proxy

from harness import network, secrets  # noqa: E402
from harness.cluster import APPLICATIONS, Cluster  # noqa: E402
from harness.load import Gateways  # noqa: E402
from harness.postgres import Postgres  # noqa: E402

# What needs no agent first, what changes the installation last.
ORDER = ("files_test", "demo_test", "secrets_test", "apps_test", "isolation_test", "autoscaling_test", "rollout_test")


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: ORDER.index(item.path.stem))


@pytest.fixture(scope="session")
def networks():
    network.prepare()


@pytest.fixture(scope="session")
def database(networks, tmp_path_factory):
    made = Postgres(tmp_path_factory.mktemp("database") / "server", network.PRIVATE[0])
    yield made
    made.stop()


@pytest.fixture(scope="session")
def cluster(networks, database, tmp_path_factory):
    work = tmp_path_factory.mktemp("cluster")
    made = Cluster(work, *secrets.make(work, database)).start()
    made.put_secrets("--certs", made.certificates)
    made.put_secrets(made.secrets)
    yield made
    made.stop()


@pytest.fixture(scope="session")
def installed(cluster):
    """Everything of nomad/ but the autoscaler, as in the development environment."""
    development = {"app-b": {"arguments": ["--seed-development"]}}
    with concurrent.futures.ThreadPoolExecutor() as pool:
        pending = [pool.submit(cluster.run_gateway)]
        pending += [pool.submit(cluster.run_application, name, **development.get(name, {})) for name in APPLICATIONS]
        for each in pending:
            each.result()
    return cluster


@pytest.fixture(scope="session")
def gateways(installed):
    folder = installed.certificates / "secrets"
    return Gateways(installed, (folder / "cluster-token").read_text().strip(), folder / "gateway-ca.crt")
