"""The tools before any test: their first build takes minutes, and prints how far it is."""
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from harness.tools import TOOLS, tool  # noqa: E402


def pytest_sessionstart(session):
    for name in TOOLS:
        tool(name)
