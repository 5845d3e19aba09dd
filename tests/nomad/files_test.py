"""The job files, in every environment and for every application, as Nomad reads them; no agent runs."""
import json
import os
import re
import shutil
import subprocess

import pytest

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
            assert config["readonly_rootfs"] is True and config["cap_drop"] == ["all"], job["ID"]


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
    tags = [tag for group in job["TaskGroups"] for service in group["Services"] for tag in service["Tags"] or []]
    route = json.loads(next(tag.removeprefix("route=") for tag in tags if tag.startswith("route=")))
    assert job["ID"] == "shop" and route["hosts"] == ["shop.example.com"] and route["forward"] == "shop"
    assert job["TaskGroups"][0]["Scaling"]["Max"] == 10


def test_no_file_knows_a_machine():
    for file in FOLDER.rglob("*"):
        if file.is_file():
            text = file.read_text()
            assert "/root" not in text and "/home" not in text and "/tmp" not in text, file
