"""The tools before any test: their first build takes minutes, and prints how far it is."""
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "shared")]

from harness.tools import TOOLS, tool  # noqa: E402


def pytest_sessionstart(session):
    for name in TOOLS:
        tool(name)
