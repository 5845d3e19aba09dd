"""What the boards are: made from their source, of Grafana's types, and of sound parts."""
import copy
import shutil
import subprocess

import pytest
import yaml

from support.grafana import BOARDS, filled, panels_of
from support.promtool import ROOT
from support.types import GRAFANA, complaints, operator

MONITORING = ROOT / "monitoring"


def test_what_is_committed_is_what_its_source_makes():
    done = subprocess.run([MONITORING / "generate", "--check"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_file_that_was_changed_by_hand_is_noticed(tmp_path):
    copied = tmp_path / "monitoring"
    shutil.copytree(MONITORING, copied)
    for name in ("grafana/tls.json", "kubernetes/prometheus-rule.yaml"):
        (copied / name).write_text((copied / name).read_text().replace("gateway-tls", "gateway-tsl", 1))
    done = subprocess.run([copied / "generate", "--check"], capture_output=True, text=True)
    assert done.returncode == 1
    assert "tls.json" in done.stderr and "prometheus-rule.yaml" in done.stderr and done.stderr.count("\n") == 2


def test_runbooks_can_be_served_from_elsewhere(tmp_path):
    copied = tmp_path / "monitoring"
    shutil.copytree(MONITORING, copied)
    subprocess.run([copied / "generate", "--runbooks", "https://docs.example/runbooks/"], check=True)
    assert "runbook_url: https://docs.example/runbooks/GatewayDown.md" in (
        copied / "kubernetes/prometheus-rule.yaml").read_text()


def altered():
    """Boards that Grafana's types must refuse, and each for what."""
    for name, part, change in (
            ("unit", "unit", lambda panel: panel["fieldConfig"]["defaults"].update(unit=7)),
            ("option", "legnd", lambda panel: panel["options"].update(legnd={})),
            ("style", "lines", lambda panel: panel["fieldConfig"]["defaults"]["custom"].update(drawStyle="lines")),
            ("place", "h, w, y", lambda panel: panel.update(gridPos={"x": 0})),
            ("query", "expr", lambda panel: panel["targets"][0].pop("expr")),
            ("key", "titel", lambda panel: panel.update(titel="?"))):
        board = copy.deepcopy(BOARDS["route"])
        change(next(panel for panel in panels_of(board) if panel["type"] == "timeseries"))
        yield f"broken-{name}", part, board


def test_boards_and_objects_are_of_the_published_types():
    objects = {path.stem: yaml.safe_load(path.read_text()) for path in (MONITORING / "kubernetes").glob("*.yaml")}
    wrong = copy.deepcopy(objects["pod-monitor"])
    wrong["spec"]["podMetricsEndpoint"] = wrong["spec"].pop("podMetricsEndpoints")
    values = {name: (GRAFANA, board) for name, board in BOARDS.items()}
    values |= {name: (operator(body["kind"]), body) for name, body in objects.items()}
    good = set(values)
    values |= {name: (GRAFANA, board) for name, _, board in altered()}
    values["broken-monitor"] = (operator("PodMonitor"), wrong)
    said = complaints(values)
    assert {name: said[name] for name in good if said[name]} == {}
    assert "podMetricsEndpoint" in said["broken-monitor"]
    for name, part, _ in altered():
        assert part in said[name], f"{name}: {said[name]}"


@pytest.mark.parametrize("name", BOARDS)
def test_a_board_is_sound(name):
    board = BOARDS[name]
    assert board["uid"] == f"gateway-{name}"
    identifiers = [panel["id"] for panel in board["panels"]]
    assert len(set(identifiers)) == len(identifiers)
    taken = set()
    for panel in board["panels"]:
        place = panel["gridPos"]
        cells = {(x, y) for x in range(place["x"], place["x"] + place["w"])
                 for y in range(place["y"], place["y"] + place["h"])}
        assert place["x"] + place["w"] <= 24 and not cells & taken, panel["title"]
        taken |= cells
    for panel in panels_of(board):
        assert panel["title"]
        for target in panel["targets"]:
            filled(target["expr"])


def test_the_boards_are_those_that_kubernetes_gets():
    files = yaml.safe_load((MONITORING / "kustomization.yaml").read_text())["configMapGenerator"][0]["files"]
    assert sorted(files) == sorted(f"grafana/{name}.json" for name in BOARDS)
