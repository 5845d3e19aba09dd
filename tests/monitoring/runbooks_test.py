"""Runbooks: one per alert, whose questions can be asked, and whose links lead somewhere."""
import json
import re
import subprocess

import pytest

from support.promtool import FILES, ROOT, alerts_of

FOLDER = ROOT / "docs/runbooks"
BOOKS = sorted(FOLDER.glob("*.md"))
URGENCY = {rule["alert"]: rule["labels"]["severity"] for file in FILES for rule in alerts_of(file)}


def test_there_is_one_for_each_alert_and_no_other():
    assert {book.stem for book in BOOKS} == set(URGENCY)


@pytest.mark.parametrize("book", BOOKS, ids=lambda book: book.stem)
def test_a_runbook_says_how_urgent_it_is_what_to_look_at_and_what_to_do(book):
    text = book.read_text()
    assert text.startswith(f"# {book.stem}\n\n*{URGENCY[book.stem]}.* ")
    assert "## Look first\n\n```promql\n" in text
    assert text.count("\n| ") >= 3, "at least one cause below the table's head"
    for link in re.findall(r"\]\(([^)#]+)", text):
        assert (FOLDER / link).is_file(), link


def known_series():
    """All that the gateway has, and names of others that its rules and boards use."""
    used = "".join(path.read_text() for path in [*FILES, *(ROOT / "monitoring/grafana").glob("*.json")])
    reference = (ROOT / "docs/metrics.md").read_text()
    foreign = {"probe_http_status_code", "probe_dns_lookup_time_seconds"}
    return set(re.findall(r"`((?:gateway|process)_\w+)`", reference)) | foreign | set(
        re.findall(r"\b(?:kube|probe|aggregator|instance_upstream:|upstream:|ingress:|route:|instance:)[\w:]+", used)) | {"up"}


def questions_of(book):
    return re.search(r"```promql\n(.*?)\n```", book.read_text(), re.S)[1].splitlines()


def test_questions_can_be_asked(tmp_path):
    questions = [question for book in BOOKS for question in questions_of(book)]
    rules = [{"record": f"question{number}", "expr": question} for number, question in enumerate(questions)]
    (tmp_path / "rules.yaml").write_text(json.dumps({"groups": [{"name": "questions", "rules": rules}]}))
    done = subprocess.run(["promtool", "check", "rules", tmp_path / "rules.yaml"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("book", BOOKS, ids=lambda book: book.stem)
def test_questions_are_of_series_that_there_are(book):
    known = known_series()
    for question in questions_of(book):
        bare = re.sub(r"\{[^}]*\}|by \([^)]*\)|on \([^)]*\)|\[\w+\]", "", question)
        for name in re.findall(r"\b[a-z][\w:]*_[\w:]+\b|\bup\b", bare):
            base = re.sub(r"_(bucket|count|sum)$", "", name)
            assert name in known or base in known or name == "histogram_quantile", name
