"""One loaded gateway, with all that is scraped around it, for all tests that ask a Prometheus."""
import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "e2e"), str(HERE.parents[1] / "monitoring")]


@pytest.fixture(scope="session")
def stack():
    from support.stack import Stack
    with Stack() as running:
        yield running
