"""The job files, in every environment and for every application, as Nomad reads them; no agent runs."""
import json
import os
import re
import shutil
import subprocess

import pytest
import yaml

from harness.cluster import APPLICATIONS, NOMAD, ROOT

ENVIRONMENTS = ("dev", "acc", "prod")
FOLDER = ROOT / "nomad"


def nomad(*arguments, root=ROOT):
    return subprocess.run([NOMAD, *arguments], cwd=root, capture_output=True, text=True, timeout=60, check=False,
                          env={**os.environ, "NOMAD_ADDR": "http://127.0.0.1:1", "CHECKPOINT_DISABLE": "1"})


def rendered(environment, file, *arguments, root=ROOT):
    done = nomad("job", "run", "-output", f"-var=environment={environment}", *arguments,
                 f"nomad/{file}.nomad.hcl", root=root)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["Job"]


def jobs(environment, *arguments):
    made = [rendered(environment, "gateway", *arguments), rendered(environment, "autoscaler", *arguments)]
    return made + [rendered(environment, "service", f"-var=application={name}", *arguments)
                   for name in APPLICATIONS]


def tasks(job):
    return [task for group in job["TaskGroups"] for task in group["Tasks"]]


def test_files_are_formatted():
    done = nomad("fmt", "-check", "-recursive", "nomad")
    assert (done.returncode, done.stdout) == (0, "")


def test_each_application_has_a_file_and_each_file_is_one_of_them():
    assert sorted(path.stem for path in (FOLDER / "applications").glob("*.yaml")) == sorted(APPLICATIONS)
    assert sorted(path.stem for path in (FOLDER / "environments").glob("*.yaml")) == sorted(ENVIRONMENTS)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_only_the_gateway_is_on_the_public_network(environment):
    for job in jobs(environment):
        networks = [network for group in job["TaskGroups"] for network in group["Networks"]]
        ports = [port for network in networks
                 for port in (network["ReservedPorts"] or []) + (network["DynamicPorts"] or [])]
        assert ports and {port["HostNetwork"] for port in ports} <= {"public", "private"}
        public = {port["Label"] for port in ports if port["HostNetwork"] == "public"}
        assert public == ({"http", "https"} if job["ID"] == "gateway" else set()), job["ID"]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_containers_have_versions_and_no_rights(environment):
    for job in jobs(environment):
        for task in tasks(job):
            config = task["Config"]
            assert task["Driver"] == "docker"
            assert config["image"].rpartition(":")[2] not in ("", "latest"), config["image"]
            rights = {name: config[name] for name in ("network_mode", "readonly_rootfs", "cap_drop", "security_opt")}
            assert rights == {"network_mode": "host", "readonly_rootfs": True, "cap_drop": ["all"],
                              "security_opt": ["no-new-privileges"]}, job["ID"]
            assert config.get("cap_add", []) == (["net_bind_service"] if job["ID"] == "gateway" else [])
            assert task["User"] == ("0" if job["ID"] == "gateway" else "65532")


def test_variables_of_one_name_are_equal_in_all_job_files():
    """A job file cannot take in another, so they stand in each."""
    texts = {}
    for file in FOLDER.glob("*.nomad.hcl"):
        for name, text in re.findall(r'^variable "(\w+)" \{\n(.*?)^\}$', file.read_text(), re.M | re.S):
            texts.setdefault(name, []).append(text)
    assert len(texts.pop("application")) == 1
    assert {name: len(set(each)) for name, each in texts.items()} == dict.fromkeys(texts, 1)
    assert {len(each) for each in texts.values()} == {3}


def tagged(job, kind):
    """What the tags of the job's services say, by name."""
    tags = [tag for group in job["TaskGroups"] for service in group["Services"] for tag in service["Tags"] or []]
    found = [json.loads(tag.removeprefix(f"{kind}=")) for tag in tags if tag.startswith(f"{kind}=")]
    return {each["name"]: each for each in found}


def in_order(filters):
    """Whose order says nothing."""
    return sorted(filters, key=lambda each: json.dumps(each, sort_keys=True))


@pytest.mark.parametrize("environment", ["acc", "prod"])
def test_limits_are_those_of_the_configuration_for_machines(environment):
    model = yaml.safe_load((ROOT / f"config/{environment}.yaml").read_text())
    upstreams = {each["name"]: each for each in model["upstreams"]}
    routes = {each["name"]: each for each in model["routes"]}

    gateway = tasks(rendered(environment, "gateway"))[0]
    told = gateway["Env"]
    assert {"delay": told["DRAIN_DELAY"], "deadline": told["DRAIN_DEADLINE"]} == model["process"]["drain"]
    assert {each["name"]: str(each["max_connections"]) for each in model["listeners"]} == {
        "https": told["HTTPS_CONNECTIONS"], "http": told["HTTP_CONNECTIONS"]}
    assert in_order(json.loads(told["FILTERS"])) == in_order(model["filters"])

    app_a = rendered(environment, "service", "-var=application=app-a")
    for option in ("timeouts", "retries", "limits", "slow_start"):
        assert tagged(app_a, "upstream")["app-a"][option] == upstreams["app-a"][option], option
    for name, route in tagged(app_a, "route").items():
        assert (route["hosts"], route["match"]) == (routes[name]["hosts"], routes[name]["match"])
        assert in_order(route["filters"]) == in_order(routes[name]["filters"]), name
    app_b = rendered(environment, "service", "-var=application=app-b")
    assert tagged(app_b, "upstream")["app-b"]["timeouts"] == upstreams["app-b"]["timeouts"]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_a_drain_has_the_time_it_may_take(environment):
    task = tasks(rendered(environment, "gateway"))[0]
    drain = sum(int(task["Env"][name].removesuffix("s")) for name in ("DRAIN_DELAY", "DRAIN_DEADLINE"))
    assert task["KillTimeout"] >= (drain + 1) * 1e9


def test_images_are_those_that_the_dockerfiles_make():
    named = {task["Config"]["image"].rpartition("/")[2].partition(":")[0] for job in jobs("prod") for task in tasks(job)}
    made = {path.name.removesuffix(".Dockerfile") for path in (ROOT / "docker").glob("*.Dockerfile")}
    assert named == made | {"nomad-autoscaler"}


def test_the_same_files_are_for_raw_exec_by_a_variable():
    for job in jobs("dev", "-var=driver=raw_exec"):
        for task in tasks(job):
            assert task["Driver"] == "raw_exec" and set(task["Config"]) == {"command", "args"}, (job["ID"], task["Config"])


def test_the_network_mode_is_a_variable():
    for job in jobs("dev", "-var=network_mode=bridge"):
        assert [network["Mode"] for group in job["TaskGroups"] for network in group["Networks"]] == ["bridge"]


@pytest.mark.parametrize("name", APPLICATIONS)
def test_a_release_begins_with_a_canary_and_goes_back_by_itself(name):
    update = rendered("prod", "service", f"-var=application={name}")["Update"]
    assert update["Canary"] == 1 and update["AutoRevert"] is True and update["AutoPromote"] is False


def test_a_new_application_is_the_small_file_of_the_page(tmp_path):
    shutil.copytree(FOLDER, tmp_path / "nomad")
    page = (ROOT / "docs/growing.md").read_text()
    text = re.search(r"^```yaml\n# nomad/applications/shop.yaml\n(.*?)^```$", page, re.M | re.S)[1]
    (tmp_path / "nomad/applications/shop.yaml").write_text(text)
    job = rendered("prod", "service", "-var=application=shop", root=tmp_path)
    route = tagged(job, "route")["shop"]
    assert job["ID"] == "shop" and route["hosts"] == ["shop.example.com"] and route["forward"] == "shop"
    assert job["TaskGroups"][0]["Scaling"]["Max"] == 10


def test_no_file_knows_a_machine():
    for file in FOLDER.rglob("*"):
        if file.is_file():
            text = file.read_text()
            assert "/root" not in text and "/home" not in text and "/tmp" not in text, file
