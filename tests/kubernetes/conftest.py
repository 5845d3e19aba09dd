"""One control plane, one node and one installation of the development overlay for all tests of a run."""
import contextlib
import itertools
import os
import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
os.environ["NO_PROXY"] = "*"  # nothing here is behind a proxy

from harness import network  # noqa: E402
from harness.adapter import Adapter  # noqa: E402
from harness.api import wait_until  # noqa: E402
from harness.cluster import Cluster  # noqa: E402
from harness.kubelet import Kubelet  # noqa: E402
from harness.names import Names  # noqa: E402
from harness.plane import ControlPlane  # noqa: E402
from harness.service_proxy import ServiceProxy  # noqa: E402

# What needs least first; what takes the installation away last.
ORDER = ("network_policy_test", "manifests_test", "harness_test", "apps_test", "helm_test", "traffic_test", "ingress_test",
         "cert_manager_test", "annotations_test", "ingress_class_test", "changing_sites_test", "metrics_api_test",
         "autoscaling_test", "failures_test", "rollout_test", "delivery_test", "uninstall_test")
_numbers = itertools.count(1)


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: ORDER.index(item.path.stem))


@pytest.fixture(scope="session")
def plane(tmp_path_factory):
    work = tmp_path_factory.mktemp("plane")
    network.prepare(work)
    made = ControlPlane(work / "work").start()
    yield made
    made.stop()


@pytest.fixture(scope="session")
def kubelet(plane, tmp_path_factory):
    proxy = ServiceProxy(plane.api).start()
    names = Names(proxy).start()
    made = Kubelet(plane, tmp_path_factory.mktemp("pods")).start()
    yield made
    made.stop()
    names.stop()
    proxy.stop()


@pytest.fixture(scope="session")
def adapter(plane, kubelet):
    made = Adapter(plane, kubelet).start()
    yield made
    made.stop()


@pytest.fixture(scope="session")
def dev(plane, kubelet, adapter):
    """The development overlay as it is, with its apps and database ready."""
    return Cluster(plane, kubelet, adapter).install()


@pytest.fixture(scope="session")
def gateway(dev):
    """The same once the gateway serves it."""
    return dev.wait_for_gateway()


@contextlib.contextmanager
def applying(gateway):
    """A function that applies manifests to the apps' namespace; they are taken away at the end."""
    texts = []

    def put(text):
        texts.append(text)
        gateway.apply(text)

    yield put
    for text in texts:
        gateway.kubectl("delete", "-n", "jobs", "--ignore-not-found", "--wait=false", "-f", "-", text=text)


@pytest.fixture
def apply(gateway):
    with applying(gateway) as put:
        yield put


@pytest.fixture(scope="module")
def apply_for_all(gateway):
    """The same for all tests of a file."""
    with applying(gateway) as put:
        yield put


@pytest.fixture
def namespace(plane):
    name = f"test-{next(_numbers)}"
    plane.api.create("Namespace", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    wait_until(lambda: plane.api.find("ServiceAccount", "default", name), 30, "its service account")
    yield name
    plane.api.delete("Namespace", name)
