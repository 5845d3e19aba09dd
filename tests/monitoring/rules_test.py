"""Each alert fires when it should and is quiet before and after, and each of these tests can fail."""
import subprocess

import pytest
import yaml

from support.promtool import CASES, FILES, ROOT, RULES, alerts_of, as_promtool, cases_of, try_rules

RECORDING = RULES / "recording.yaml"
WITH_ALERTS = [file for file in FILES if alerts_of(file)]
ALERTS = [(file, rule) for file in WITH_ALERTS for rule in alerts_of(file)]
per_file = pytest.mark.parametrize("file", WITH_ALERTS, ids=lambda file: file.stem)
per_alert = pytest.mark.parametrize("file, rule", ALERTS,
                                    ids=[f"{file.stem}-{rule['alert']}" for file, rule in ALERTS])
# Wrong in one way each: what the tests of every single alert must notice.
WRONG = {
    "never": lambda rule: rule.update(expr="vector(0) > 1"),
    "always": lambda rule: rule.update(expr="vector(1)", **{"for": "0s"}),
    "other words": lambda rule: rule["annotations"].update(summary="Something."),
}


def units(file):
    return [as_promtool(rule, case) for rule in alerts_of(file) for case in cases_of(file, rule["alert"])]


def test_the_rules_are_valid():
    done = subprocess.run(["promtool", "check", "rules", "--lint-fatal", *FILES], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@per_file
def test_alerts_fire_and_are_quiet_before_and_after(file, tmp_path):
    content, said = try_rules(tmp_path, [RECORDING, file], units(file))
    assert content, said


@per_file
@pytest.mark.parametrize("wrong", WRONG)
def test_the_test_of_each_alert_notices_that_it_is_wrong(file, wrong, tmp_path):
    body = yaml.safe_load(file.read_text())
    for group in body["groups"]:
        for rule in group["rules"]:
            if "alert" in rule:
                WRONG[wrong](rule)
    broken = tmp_path / file.name
    broken.write_text(yaml.safe_dump(body))
    # Recording rules only where an expression is still the real one: they are most of the work.
    files = [RECORDING, broken] if wrong == "other words" else [broken]
    said = try_rules(tmp_path, files, units(file))[1]
    unnoticed = [rule["alert"] for rule in alerts_of(file) if f"alertname: {rule['alert']}," not in said]
    assert not unnoticed


@per_alert
def test_an_alert_has_a_case_that_fires_between_two_quiet_moments(file, rule):
    assert any("fires" in case and min(case["quiet"]) < case["fires"]["at"] < max(case["quiet"])
               for case in cases_of(file, rule["alert"]))


def test_no_case_is_of_an_alert_that_there_is_not():
    assert {case["alert"] for case in CASES} == {rule["alert"] for _, rule in ALERTS}


@per_alert
def test_an_alert_says_how_urgent_it_is_and_where_its_runbook_is(file, rule):
    assert rule["labels"]["severity"] in ("page", "ticket")
    assert rule["annotations"]["runbook_url"] == f"docs/runbooks/{rule['alert']}.md"
    assert (ROOT / rule["annotations"]["runbook_url"]).is_file()
