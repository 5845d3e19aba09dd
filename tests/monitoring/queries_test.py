"""Every query of every board, against a Prometheus that scrapes a gateway under load."""
import time

import pytest

from support.grafana import BOARDS, filled, queries_of

# For a machine that is busy: data is there within some seconds.
PATIENCE = 120


def unanswered(stack, questions, patience=PATIENCE):
    """Those of (place, expression) that get no number, asked again until then."""
    deadline = time.monotonic() + patience
    left = list(questions)
    while left and time.monotonic() < deadline:
        left = [(place, expression) for place, expression in left if not stack.values(expression)]
    return left


@pytest.fixture(scope="module")
def loaded(stack):
    stack.load()
    yield stack
    while stack.loads:
        stack.loads.pop().stop()


@pytest.mark.parametrize("name", BOARDS)
def test_every_query_of_a_board_has_data(loaded, name):
    questions = [(f"{title}: {legend}", expression) for title, legend, expression in queries_of(BOARDS[name])]
    assert questions
    assert not unanswered(loaded, questions)


@pytest.mark.parametrize("name", BOARDS)
def test_every_variable_has_values(loaded, name):
    for variable in BOARDS[name]["templating"]["list"]:
        if variable["type"] == "query":
            series, label = variable["query"]["query"].removeprefix("label_values(").removesuffix(")").rsplit(", ", 1)
            assert [each for each in loaded.ask("series", **{"match[]": filled(series)}) if label in each], variable["name"]


@pytest.mark.parametrize("name", BOARDS)
def test_the_events_drawn_into_a_board_can_be_asked_for(loaded, name):
    for note in BOARDS[name]["annotations"]["list"]:
        loaded.values(note["target"]["expr"])


def test_a_query_without_data_is_noticed(loaded):
    questions = [("there", 'up{job="gateway"}'), ("not there", "gateway_wishes_total"), ("not a number", "vector(0) / 0")]
    assert [place for place, _ in unanswered(loaded, questions, patience=3)] == ["not there", "not a number"]


def test_rules_are_evaluated_without_an_error(loaded):
    groups = loaded.ask("rules")["groups"]
    assert not unanswered(loaded, [("recorded", "route:gateway_requests:rate5m")])
    assert {rule["name"]: rule["lastError"] for group in groups for rule in group["rules"] if rule.get("lastError")} == {}
    assert len(groups) > 5
