"""The cases of rules/cases.yaml as tests of promtool."""
import os
import pathlib
import subprocess
import tempfile

import yaml

HERE = pathlib.Path(__file__).resolve().parents[1]
ROOT = HERE.parents[1]
RULES = ROOT / "monitoring/prometheus/rules"
FILES = sorted(RULES.glob("*.yaml"))
CASES = yaml.safe_load((HERE / "rules/cases.yaml").read_text())


# Every test of promtool and every Prometheus makes a database and syncs it: on a busy disk that is nearly all of
# the time. Nothing of it is kept, so it stays in memory where there is such a place.
SCRATCH = "/dev/shm" if os.access("/dev/shm", os.W_OK) else tempfile.gettempdir()


def alerts_of(file):
    return [rule for group in yaml.safe_load(file.read_text())["groups"] for rule in group["rules"] if "alert" in rule]


def cases_of(file, alert):
    return [case for case in CASES if case["alert"] == alert and case.get("only", file.stem) == file.stem]


def _expected(rule, fires):
    return {"exp_labels": {"severity": fires["severity"], **fires["labels"]},
            "exp_annotations": {"summary": fires["summary"], "runbook_url": rule["annotations"]["runbook_url"]}}


def as_promtool(rule, case):
    assert all(isinstance(each, str) for each in case["series"].values()), f"{case['alert']}: a number, not samples"
    moments = [{"eval_time": f"{minute}m", "alertname": case["alert"]} for minute in case["quiet"]]
    if "fires" in case:
        moments.append({"eval_time": f"{case['fires']['at']}m", "alertname": case["alert"],
                        "exp_alerts": [_expected(rule, case["fires"])]})
    return {"interval": "1m", "alert_rule_test": moments,
            "input_series": [{"series": series, "values": values} for series, values in case["series"].items()]}


def try_rules(folder, files, units):
    """What promtool says of these units, and whether it is content. Groups are evaluated in the order of the files:
    an alert sees what was recorded at its own time."""
    path = folder / "units.yaml"
    groups = [group["name"] for each in files for group in yaml.safe_load(each.read_text())["groups"]]
    path.write_text(yaml.safe_dump({"rule_files": [str(each) for each in files], "evaluation_interval": "1m",
                                    "group_eval_order": groups, "tests": units}))
    done = subprocess.run(["promtool", "test", "rules", path], capture_output=True, text=True, check=False,
                          env={**os.environ, "TMPDIR": SCRATCH})
    return done.returncode == 0, done.stdout + done.stderr
