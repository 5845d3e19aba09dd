"""What the boards are made of. A function per kind of panel; everything that is the same on all of them,
and all that Grafana wants beyond a title, a unit and queries, is here and nowhere else."""

SOURCE = {"type": "prometheus", "uid": "${source}"}
WIDTH = 24
HEIGHT = {"stat": 4, "timeseries": 8, "table": 8, "state-timeline": 6}


def query(expression, legend="", instant=False):
    """One query of a panel. Grafana fills in `$__rate_interval` and the board's variables."""
    return {"expr": expression, "legendFormat": legend or "__auto", "instant": instant, "range": not instant,
            "datasource": SOURCE}


def _panel(kind, title, unit, text, queries, options, custom, width, **defaults):
    targets = [{**each, "refId": chr(ord("A") + number)} for number, each in enumerate(queries)]
    return {
        "type": kind, "title": title, "description": text, "datasource": SOURCE, "targets": targets,
        "options": options,
        "fieldConfig": {"defaults": {"unit": unit, "custom": custom, **defaults}, "overrides": []},
        "gridPos": {"x": 0, "y": 0, "w": width, "h": HEIGHT[kind]},
    }


def graph(title, unit, *queries, text="", width=8, stacked=False, limits=(0, None)):
    low, high = limits
    bounds = {name: value for name, value in (("min", low), ("max", high)) if value is not None}
    options = {
        "legend": {"calcs": ["mean", "lastNotNull"], "displayMode": "table", "placement": "bottom",
                   "showLegend": True},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }
    custom = {
        "drawStyle": "line", "lineInterpolation": "linear", "lineWidth": 1, "showPoints": "auto",
        "spanNulls": False, "fillOpacity": 25 if stacked else 8,
        "stacking": {"mode": "normal" if stacked else "none", "group": "A"},
    }
    return _panel("timeseries", title, unit, text, queries, options, custom, width,
                  color={"mode": "palette-classic"}, **bounds)


def _steps(steps):
    """From (None, green), (5, red): green below 5, red from there on."""
    return {"mode": "absolute", "steps": [{"color": color, "value": value} for value, color in steps]}


def number(title, unit, expression, text="", steps=((None, "green"),), width=4, decimals=None):
    """The newest value, large, over a small curve of the time before."""
    options = {
        "colorMode": "value", "graphMode": "area", "justifyMode": "auto", "orientation": "auto",
        "percentChangeColorMode": "standard", "showPercentChange": False, "textMode": "auto", "wideLayout": True,
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
    }
    extra = {} if decimals is None else {"decimals": decimals}
    return _panel("stat", title, unit, text, [query(expression)], options, {}, width,
                  color={"mode": "thresholds"}, thresholds=_steps(steps), **extra)


def states(title, legend, expression, text="", words=((0, "no", "red"), (1, "yes", "green")), width=12):
    """A bar per series that changes its colour with the value."""
    options = {
        "alignValue": "left", "mergeValues": True, "rowHeight": 0.9, "showValue": "auto",
        "legend": {"calcs": [], "displayMode": "list", "placement": "bottom", "showLegend": False},
        "tooltip": {"mode": "single", "sort": "none"},
    }
    mapping = {str(value): {"index": index, "text": word, "color": color}
               for index, (value, word, color) in enumerate(words)}
    return _panel("state-timeline", title, "short", text, [query(expression, legend)], options,
                  {"fillOpacity": 70, "lineWidth": 0}, width, color={"mode": "thresholds"},
                  thresholds=_steps([(None, "text")]), mappings=[{"type": "value", "options": mapping}])


def table(title, unit, column, expression, text="", width=8):
    """The newest value of each series, one per line, its labels as columns."""
    panel = _panel("table", title, unit, text, [{**query(expression, instant=True), "format": "table"}],
                   {"cellHeight": "sm", "frameIndex": 0, "showHeader": True,
                    "sortBy": [{"displayName": column, "desc": True}]},
                   {"align": "auto", "cellOptions": {"type": "auto"}, "inspect": False}, width)
    panel["transformations"] = [{"id": "organize", "options": {
        "excludeByName": {"Time": True}, "indexByName": {}, "renameByName": {"Value": column}}}]
    return panel


def choice(name, label, series, several=True, value_of=None):
    """A variable of a board: the values of the label `value_of`, `name` if not told, of a series."""
    definition = f"label_values({series}, {value_of or name})"
    variable = {
        "type": "query", "name": name, "label": label, "datasource": SOURCE,
        "query": {"query": definition, "refId": f"variable-{name}"}, "refresh": 2,
        "sort": 1, "hide": 0, "multi": several, "includeAll": several, "skipUrlSync": False,
    }
    if several:
        variable |= {"allValue": ".*", "current": {"selected": True, "text": ["All"], "value": ["$__all"]}}
    return variable


def _source_variable():
    return {"type": "datasource", "name": "source", "label": "Prometheus", "query": "prometheus", "refresh": 1,
            "hide": 0, "multi": False, "includeAll": False, "skipUrlSync": False, "regex": ""}


def _laid_out(rows):
    """Rows of (title, panels), from the top: panels side by side as long as there is room."""
    panels, y, number_of = [], 0, 0
    for title, members in rows:
        number_of += 1
        panels.append({"id": number_of, "type": "row", "title": title, "collapsed": False, "panels": [],
                       "gridPos": {"x": 0, "y": y, "w": WIDTH, "h": 1}})
        y, x, line = y + 1, 0, 0
        for panel in members:
            place = panel["gridPos"]
            if x + place["w"] > WIDTH:
                y, x, line = y + line, 0, 0
            number_of += 1
            panels.append({"id": number_of, **panel, "gridPos": {**place, "x": x, "y": y}})
            x, line = x + place["w"], max(line, place["h"])
        y += line
    return panels


def board(name, title, text, rows, variables=()):
    """A whole dashboard; its uid is `gateway-NAME`, and stays when its title changes."""
    return {
        "uid": f"gateway-{name}", "title": title, "description": text, "tags": ["gateway"],
        "schemaVersion": 39, "version": 1, "editable": True, "graphTooltip": 1, "timezone": "browser",
        "refresh": "30s", "time": {"from": "now-1h", "to": "now"}, "fiscalYearStartMonth": 0,
        "annotations": {"list": [{
            "name": "Configurations", "enable": True, "hide": False, "iconColor": "blue", "datasource": SOURCE,
            "target": {**query('changes(gateway_config_generation{job="gateway"}[2m]) > 0', "configuration of {{instance}}"),
                       "refId": "Anno"}}]},
        "links": [{"type": "dashboards", "title": "Gateway", "tags": ["gateway"], "asDropdown": True,
                   "includeVars": True, "keepTime": True, "targetBlank": False, "icon": "external link",
                   "tooltip": "", "url": ""}],
        "templating": {"list": [_source_variable(), *variables]},
        "panels": _laid_out(rows),
    }
