"""The tables in which the exercises' pages end: demand, file, command, state."""
import re

import pytest

from pages import DOCS, ROOT, last_table, name_of

EXERCISES = sorted((DOCS / "exercises").glob("*.md"))
STATES = ("ran here", "static check")
TARGETS = set(re.findall(r"^([a-z-]+(?: [a-z-]+)*):", (ROOT / "Makefile").read_text(), re.M))
TARGETS = {name for names in TARGETS for name in names.split()}


def quoted(cell):
    return re.findall(r"`([^`]+)`", cell)


@pytest.fixture(params=EXERCISES, ids=name_of)
def rows(request):
    head, *rest = last_table(request.param)
    assert head == ["demand", "file", "command", "state"]
    return rest


def test_each_row_has_a_state_that_means_something(rows):
    for demand, file, command, state in rows:
        assert state.startswith(STATES), f"{demand}: {state}"
        assert quoted(file), f"{demand}: no file"
        assert quoted(command), f"{demand}: nothing that ran or checks it"


def test_what_no_cloud_or_registry_took_did_not_run_here(rows):
    for demand, _, command, state in rows:
        if re.search(r"make (deploy|push-images|test-terraform)|tofu", command):
            assert state.startswith("static check"), demand


def test_each_file_is_there(rows):
    for demand, file, command, _ in rows:
        named = [*quoted(file), *(path for path in quoted(command) if re.fullmatch(r"(tests|tools|\.ci)/[\w/.-]+", path))]
        for path in named:
            assert (ROOT / path).is_file(), f"{demand}: {path}"


def test_each_target_of_make_is_there(rows):
    for demand, _, command, _ in rows:
        for target in re.findall(r"make ([a-z-]+)", command):
            assert target in TARGETS, f"{demand}: make {target}"


def test_each_exercise_has_a_page():
    assert {page.stem for page in EXERCISES} == {
        "jobs-on-google-cloud", "jobs-on-nomad", "jobs-on-kubernetes", "hello", "visitors"}
