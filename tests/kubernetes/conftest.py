"""One control plane and one node for all tests of a run; a namespace for each that asks."""
import itertools
import os
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
os.environ["NO_PROXY"] = "*"  # nothing here is behind a proxy

from harness import network  # noqa: E402
from harness.api import wait_until  # noqa: E402
from harness.kubelet import Kubelet  # noqa: E402
from harness.plane import ControlPlane  # noqa: E402

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def plane(tmp_path_factory):
    network.prepare()
    made = ControlPlane(tmp_path_factory.mktemp("plane") / "work").start()
    yield made
    made.stop()


@pytest.fixture(scope="session")
def kubelet(plane, tmp_path_factory):
    made = Kubelet(plane, tmp_path_factory.mktemp("pods")).start()
    yield made
    made.stop()


@pytest.fixture
def namespace(plane):
    name = f"test-{next(_numbers)}"
    plane.api.create("Namespace", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    wait_until(lambda: plane.api.find("ServiceAccount", "default", name), 30, "its service account")
    yield name
    plane.api.delete("Namespace", name)
