"""The queries of a dashboard, with its variables filled in as Grafana would."""
import json

from support.promtool import ROOT

FOLDER = ROOT / "monitoring/grafana"
BOARDS = {path.stem: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))}
VALUES = {"$__rate_interval": "10s", "$namespace": "jobs", "$autoscaler": "app-a", "$route": ".*",
          "$upstream": ".*", "$listener": ".*"}


def filled(expression):
    for name, value in VALUES.items():
        expression = expression.replace(name, value)
    assert "$" not in expression, f"a variable that is not known: {expression}"
    return expression


def panels_of(board):
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def queries_of(board):
    """(title of the panel, legend, expression) of each."""
    for panel in panels_of(board):
        for target in panel["targets"]:
            yield panel["title"], target["legendFormat"], filled(target["expr"])
