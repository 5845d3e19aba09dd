"""What matters is equal on machines and in a cluster: config/ENVIRONMENT.yaml against the overlay of k8s/."""
import copy
import re

import pytest
import yaml

from harness.tools import ROOT, containers, find, objects

UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}
SIZES = {"": 1, "k": 2 ** 10, "m": 2 ** 20, "kib": 2 ** 10, "mib": 2 ** 20}
PREFIX = "gateway.ingress/"
# Of development on one machine, and why a cluster has it otherwise.
DEV_DIFFERS = {
    "drain": "on one machine nobody has to notice; in a cluster each node's rules have to change",
    "access log": "a person reads the terminal of a demo, a collector the pods' lines",
    "connections": "one machine has the defaults; a cluster the chart's",
    "balancer": "a demo shows each replica in turn",
    "attempts": "the default of a file and of an annotation; neither was chosen",
    "body limit": "no limit is configured; an Ingress has that of ingress-nginx unless it says another",
    "connect timeout": "as attempts",
    "request timeout": "as attempts",
    "readiness": "the probe of a cluster is the kubelet's, with its own period",
}


def seconds(text):
    parts = re.findall(r"([0-9.]+)(ms|s|m|h)", str(text))
    return sum(float(number) * UNITS[unit] for number, unit in parts) if parts else float(text)


def size(text):
    number, unit = re.fullmatch(r"([0-9]+)([a-z]*)", str(text).lower()).groups()
    return int(number) * SIZES[unit]


def defaults_of_annotations():
    rows = re.findall(r"^\| `([a-z0-9-]+)` \| [^|]* \| (?:`([^`]*)`)? *\|",
                      (ROOT / "docs/kubernetes/annotations.md").read_text(), re.M)
    return dict(rows)


def filters_of(where, kind):
    return [each for each in where.get("filters", []) if each["type"] == kind]


def of_file(model):
    """What config/ENVIRONMENT.yaml says of the jobs service."""
    upstreams = {each["name"]: each for each in model["upstreams"]}
    routes = {each["name"]: each for each in model["routes"]}
    app, judge, jobs = upstreams["app-a"], upstreams["app-b"], routes["jobs"]
    token = filters_of(jobs, "token")[0]
    by_token = [each for each in filters_of(jobs, "rate_limit") if each["by"] == "token"]
    by_address = filters_of(model, "rate_limit")
    body = filters_of(model, "body_limit")
    hsts = [each["response"]["set"]["Strict-Transport-Security"] for each in filters_of(jobs, "header_edits")]
    timeouts, retries = app.get("timeouts", {}), app.get("retries", {})
    return {
        "drain": (seconds(model["process"]["drain"]["delay"]), seconds(model["process"]["drain"]["deadline"])),
        "access log": model["access_log"],
        "connections": {each["name"]: each.get("max_connections") for each in model["listeners"]},
        "oldest TLS": [str(each["tls"].get("min_version", 1.2)) for each in model["listeners"] if "tls" in each],
        "host": sorted({host for route in model["routes"] for host in route.get("hosts", [])}),
        "balancer": app["balancer"]["type"],
        "connect timeout": seconds(timeouts["connect"]) if "connect" in timeouts else None,
        "request timeout": seconds(timeouts["request"]) if "request" in timeouts else None,
        "attempts": retries.get("attempts"),
        "retried statuses": retries.get("statuses"),
        "slow start": seconds(app.get("slow_start", "0s")),
        "readiness": {name: (each["active_health"]["path"], seconds(each["active_health"]["interval"]))
                      for name, each in upstreams.items() if "active_health" in each},
        "verdict timeout": seconds(judge.get("timeouts", {}).get("request", "2s")),
        "verdicts": tuple(seconds(token.get(key, default)) for key, default in
                          (("allow_ttl", "60s"), ("deny_ttl", "10s"), ("stale_ttl", "0s"))),
        "rate by address": [(each["rate"], each["burst"]) for each in by_address],
        "rate by token": [(each["rate"], each["burst"]) for each in by_token],
        "body limit": size(body[0]["size"]) if body else None,
        "HSTS": hsts[0] if hsts else None,
        "to HTTPS": any(each.get("redirect", {}).get("scheme") == "https" for each in model["routes"]),
    }


def of_cluster(found):
    """What the overlay's gateway and the Ingress of /jobs say of the same."""
    model = yaml.safe_load(find(found, "ConfigMap", "gateway-config")["data"]["gateway.yaml"])
    ingress = find(found, "Ingress", "jobs")
    says = {**defaults_of_annotations(), **{key.removeprefix(PREFIX): value for key, value in
                                            ingress["metadata"]["annotations"].items()}}
    tls = ingress["spec"].get("tls")
    retried = [int(each) for each in re.findall(r"http_(\d+)", says["proxy-next-upstream"])]
    probes = {each["metadata"]["name"]: containers(each)[-1]["readinessProbe"] for each in found
              if each["kind"] == "Deployment" and each["metadata"]["name"] in ("app-a", "app-b")}
    return {
        "drain": (seconds(model["process"]["drain"]["delay"]), seconds(model["process"]["drain"]["deadline"])),
        "access log": model["access_log"],
        "connections": {each["name"]: each.get("max_connections") for each in model["listeners"]},
        "oldest TLS": [str(each["tls"].get("min_version", 1.2)) for each in model["listeners"] if "tls" in each],
        "host": sorted({rule["host"] for rule in ingress["spec"]["rules"]}) if tls else [],
        "balancer": says["load-balance"],
        "connect timeout": seconds(says["proxy-connect-timeout"]),
        "request timeout": seconds(says["proxy-read-timeout"]),
        "attempts": int(says["proxy-next-upstream-tries"]),
        "retried statuses": retried or None,
        "slow start": seconds(says["slow-start"]),
        "readiness": {name: (each["httpGet"]["path"], each["periodSeconds"]) for name, each in probes.items()},
        "verdict timeout": seconds(says["token-auth-timeout"]),
        "verdicts": tuple(seconds(says[f"token-auth-{each}-ttl"]) for each in ("allow", "deny", "stale")),
        "rate by address": [(each["rate"], each["burst"]) for each in filters_of(model, "rate_limit")],
        "rate by token": [(int(says["limit-rps"]), int(says["limit-burst"]))] if says["limit-by"] == "token" else [],
        "body limit": size(says["proxy-body-size"]),
        "HSTS": hsts_of(says) if tls else None,
        "to HTTPS": bool(tls) and says["ssl-redirect"] == "true",
    }


def hsts_of(says):
    text = f"max-age={seconds(says['hsts-max-age']):.0f}"
    return text + ("; includeSubDomains" if says["hsts-include-subdomains"] == "true" else "")


def config(environment):
    return yaml.safe_load((ROOT / f"config/{environment}.yaml").read_text())


def differences(machines, cluster):
    assert set(machines) == set(cluster)
    return {name: (machines[name], cluster[name]) for name in machines if machines[name] != cluster[name]}


@pytest.mark.parametrize("environment", ["acc", "prod"])
def test_what_matters_is_equal_on_machines_and_in_a_cluster(environment):
    assert differences(of_file(config(environment)), of_cluster(objects(environment))) == {}


@pytest.mark.parametrize("environment", ["acc", "prod"])
def test_both_ingresses_of_the_jobs_service_have_its_limits(environment):
    names = ("proxy-connect-timeout", "proxy-read-timeout", "proxy-next-upstream", "proxy-next-upstream-tries",
             "slow-start", "hsts-max-age", "hsts-include-subdomains")
    jobs, hello = ([each for each in objects(environment) if each["kind"] == "Ingress"
                    and (each["metadata"]["namespace"], each["metadata"]["name"]) == ("jobs", name)][0]
                   ["metadata"]["annotations"] for name in ("jobs", "hello"))
    assert [jobs[PREFIX + name] for name in names] == [hello[PREFIX + name] for name in names]


def test_development_differs_where_a_cluster_has_to():
    assert set(differences(of_file(config("dev")), of_cluster(objects("dev")))) == set(DEV_DIFFERS)


@pytest.mark.parametrize("change", [
    lambda model: model["process"]["drain"].update(delay="16s"),
    lambda model: model["listeners"][0].update(max_connections=49999),
    lambda model: model["listeners"][0]["tls"].update(min_version=1.3),
    lambda model: model["upstreams"][0]["timeouts"].update(request="16s"),
    lambda model: model["filters"][1].update(rate=201),
])
def test_a_difference_is_found(change):
    model = copy.deepcopy(config("prod"))
    change(model)
    assert len(differences(of_file(model), of_cluster(objects("prod")))) == 1


@pytest.mark.parametrize("environment", ["dev", "acc", "prod"])
@pytest.mark.parametrize("name", ["hello", "visitors"])
def test_the_other_services_have_the_paths_of_their_configuration(environment, name):
    wanted = {each["match"]["path"] for each in config(name)["routes"]}
    found = [each for each in objects(environment) if each["kind"] == "Ingress" and each["metadata"]["namespace"] == name]
    paths = [path for rule in found[0]["spec"]["rules"] for path in rule["http"]["paths"]]
    assert len(found) == 1 and {path["path"] for path in paths} == wanted
    assert {path["pathType"] for path in paths} == {"Exact"}
