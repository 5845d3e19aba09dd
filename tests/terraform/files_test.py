"""What can be said of the files without a plan: their form, where Terraform ends, and that the program accepts them."""
import ipaddress
import pathlib
import re
import subprocess

import pytest

from conftest import ENVIRONMENTS
from harness.workspace import ROOT, tofu

TERRAFORM = ROOT / "terraform"
FILES = sorted(each for each in TERRAFORM.rglob("*.tf") if ".terraform" not in each.parts)
ROOTS = ["bootstrap", *(f"environments/{each}" for each in ENVIRONMENTS)]
MODULES = sorted(str(each.relative_to(TERRAFORM)) for each in (TERRAFORM / "modules").iterdir())


def test_files_have_the_form_that_fmt_gives_them():
    done = subprocess.run([tofu(), "fmt", "-check", "-recursive", "-diff", TERRAFORM], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_file_of_another_form_is_found(workspace):
    workspace.edit("terraform/modules/address/main.tf", '  name         = "gateway"', '  name = "gateway"')
    assert workspace.run(".", "fmt", "-check", "-recursive").returncode != 0


@pytest.mark.parametrize("root", ROOTS)
def test_a_root_is_valid_against_the_published_schema(initialised, root):
    initialised.ok(root, "validate", "-no-color")


@pytest.mark.parametrize("old, new, said", [
    ("ipv4_enabled ", "ipv4_enable ", 'An argument named "ipv4_enable" is not expected here'),
    ("database_version ", "# database_version ", 'The argument "database_version" is required'),
    ("maintenance_window {", "maintenance_windows {", 'Blocks of type "maintenance_windows" are not expected here'),
    ("google_sql_database_instance", "google_sql_database_instances", "does not support resource type"),
    ("value = google_sql_database_instance.this.private_ip_address",
     "value = google_sql_database_instance.this.private_address", 'has no argument, nested block, or exported attribute named "private_address"'),
    ("retained_backups = var.protected ? 30 : 7", 'retained_backups = "a week"', "a number is required"),
])
def test_what_the_schema_does_not_have_is_refused(workspace, old, new, said):
    for name in ("main.tf", "outputs.tf"):
        path = workspace.terraform / "modules/database" / name
        path.write_text(path.read_text().replace(old, new))
    done = workspace.run("environments/prod", "validate", "-no-color")
    assert done.returncode != 0
    assert said in re.sub(r"[\s│]+", " ", done.stdout + done.stderr)


def test_a_value_that_the_published_descriptions_exclude_is_refused(workspace):
    workspace.edit("terraform/modules/network/main.tf", 'direction     = "INGRESS"', 'direction     = "INWARDS"')
    done = workspace.run("environments/dev", "validate", "-no-color")
    assert done.returncode != 0 and '"INWARDS" is none of ["INGRESS" "EGRESS"]' in done.stdout + done.stderr


@pytest.mark.parametrize("module", MODULES)
def test_a_module_keeps_what_its_own_tests_say(workspace, module):
    if not (workspace.terraform / module / "tests").is_dir():
        assert module == "modules/environment"  # that one only puts the others together: see environments_test.py
        return
    workspace.init(module)
    said = workspace.ok(module, "test", "-no-color")
    assert re.search(r"Success! [1-9]\d* passed, 0 failed", said), said


def test_a_modules_tests_can_fail(workspace):
    workspace.edit("terraform/modules/database/main.tf", "ipv4_enabled       = false", "ipv4_enabled       = true")
    workspace.init("modules/database")
    done = workspace.run("modules/database", "test", "-no-color")
    assert done.returncode != 0 and "No public address." in done.stdout + done.stderr


def test_terraform_ends_where_a_release_begins():
    """No manifest, chart or image is applied from here: the pipeline alone releases."""
    sources = {found for each in FILES for found in re.findall(r'source\s*=\s*"([^".]+)"', each.read_text())}
    assert sources == {"hashicorp/google"}
    for each in FILES:
        assert not re.search(r'provisioner\s+"|terraform_data|null_resource', each.read_text()), each


def test_one_version_of_the_provider():
    found = {each: re.findall(r'version\s*=\s*"([^"]+)"', each.read_text()) for each in FILES if each.name == "versions.tf"}
    assert len(found) == len(ROOTS) + len(MODULES)
    assert {version for versions in found.values() for version in versions if version[0].isdigit()} == {"6.50.0"}


def test_environments_differ_in_values_alone():
    def shape(environment):
        text = (TERRAFORM / "environments" / environment / "main.tf").read_text()
        return re.findall(r"^  (\w+) +=", text, re.M)
    assert sorted(shape("dev")) == sorted(shape("acc")) == sorted(shape("prod"))


def test_ranges_of_environments_do_not_overlap():
    """So that they can be joined to one another, or to an office, one day."""
    found = []
    for environment in ENVIRONMENTS:
        text = (TERRAFORM / "environments" / environment / "main.tf").read_text()
        ranges = re.findall(r'= "(\d+\.\d+\.\d+\.\d+/\d+)"', text)
        assert len(ranges) == 5
        found += [ipaddress.ip_network(each) for each in ranges]
    for index, each in enumerate(found):
        assert not any(each.overlaps(other) for other in found[index + 1:]), each


def test_the_readme_names_every_module():
    text = (TERRAFORM / "README.md").read_text()
    for module in MODULES:
        assert f"`{pathlib.Path(module).name}`" in text, module
