"""One initialised copy of terraform/ for all tests of a run; a test that breaks something has a copy of that."""
import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from harness.workspace import Workspace, tofu, tool  # noqa: E402

ENVIRONMENTS = ("dev", "acc", "prod")
GITLAB = {"url": "https://gitlab.example.com", "project": "platform/gateway"}
NOMAD = {"object": "nomad-1.11.0", "sha256": "0" * 64}


def variables(environment):
    """What a company gives an environment."""
    given = {"project": f"gateway-{environment}-test", "domain": f"{environment}.example.com", "gitlab": GITLAB}
    if environment == "dev":
        given["nomad_program"] = NOMAD
    return given


def pytest_sessionstart(session):
    # Before any test: their first build takes minutes, and prints how far it is.
    tofu()
    for name in ("kustomize", "google-provider-schema", "terraform-provider-google"):
        tool(name)


@pytest.fixture(scope="session")
def initialised(tmp_path_factory):
    made = Workspace(tmp_path_factory.mktemp("workspace")).make()
    for environment in ENVIRONMENTS:
        made.init(f"environments/{environment}")
    made.init("bootstrap")
    return made


@pytest.fixture
def workspace(initialised, tmp_path):
    return initialised.copy(tmp_path)


@pytest.fixture(scope="session")
def plans(initialised):
    """Of every environment as it is committed."""
    return {each: initialised.plan(f"environments/{each}", variables(each)) for each in ENVIRONMENTS}
