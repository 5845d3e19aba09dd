"""Every rule of terraform/check-plan finds what it is for: each is broken once, in the files that a person would edit."""
import functools
import json
import re
import subprocess
import sys

import pytest
import yaml

from conftest import ENVIRONMENTS, variables
from harness.workspace import ROOT, tool

sys.path.insert(0, str(ROOT / "terraform"))
from checks import overlay
from checks.plan import Plan

MODULES = "terraform/modules"
OPEN = 'source_ranges = ["0.0.0.0/0"]'
TWO_PORTS = "lets the control plane (10.30.240.0/28) reach port 6443"

BROKEN = {
    # environment, round, file, what stands there, what is put in its place, what is said of it. What is of one round
    # is broken together, and planned once; two of one round say nothing that the other would hide.
    "public database": ("acc", 1, f"{MODULES}/database/main.tf", "ipv4_enabled       = false", "ipv4_enabled       = true",
                        "the database has a public address"),
    "database by default": ("acc", 2, f"{MODULES}/database/main.tf", "ipv4_enabled       = false", "",
                            "the database has a public address"),
    "clear text": ("acc", 1, f"{MODULES}/database/main.tf", 'ssl_mode           = "ENCRYPTED_ONLY"', "",
                   "connections need not be encrypted"),
    "no backups": ("acc", 1, f"{MODULES}/database/main.tf",
                   "enabled                        = true", "enabled                        = false", "there are no backups"),
    "one zone": ("prod", 1, f"{MODULES}/database/main.tf", '"REGIONAL" : "ZONAL"', '"ZONAL" : "ZONAL"', "one zone only"),
    "no recovery": ("prod", 1, f"{MODULES}/database/main.tf", "point_in_time_recovery_enabled = var.protected",
                    "point_in_time_recovery_enabled = false", "no point-in-time recovery in prod"),
    "unprotected": ("prod", 2, "terraform/environments/prod/main.tf", "protected       = true", "protected       = false",
                    "module.cluster.google_container_cluster.this: may be deleted, in prod"),
    "database unprotected": ("prod", 1, f"{MODULES}/database/main.tf", "deletion_protection_enabled = var.protected",
                             "deletion_protection_enabled = false", "google_sql_database_instance.this: may be deleted"),
    "public nodes": ("prod", 1, f"{MODULES}/cluster/main.tf", "    enable_private_nodes    = true\n",
                     "    enable_private_nodes    = false\n", "the nodes have public addresses"),
    "public pool": ("prod", 2, f"{MODULES}/cluster/main.tf", "    enable_private_nodes = true", "    enable_private_nodes = false",
                    'google_container_node_pool.this["apps"]: the nodes have public addresses'),
    "public control plane": ("prod", 1, f"{MODULES}/cluster/main.tf", "enable_private_endpoint = true",
                             "enable_private_endpoint = false", "the control plane has a public address"),
    "public machine": ("dev", 1, f"{MODULES}/nodes/main.tf", "    network_ip = google_compute_address.servers[count.index].address\n",
                       "    access_config {}\n", "google_compute_instance.servers[0]: the machine has a public address"),
    "public group": ("dev", 1, f"{MODULES}/nodes/main.tf", "  network_interface {\n    subnetwork = var.subnetwork\n  }",
                     "  network_interface {\n    subnetwork = var.subnetwork\n    access_config {}\n  }",
                     "google_compute_instance_template.clients: the machine has a public address"),
    "open firewall": ("dev", 1, f"{MODULES}/network/main.tf", "source_ranges = [var.ranges.control_plane]", OPEN,
                      "open to 0.0.0.0/0"),
    "half the internet": ("dev", 2, f"{MODULES}/network/main.tf", "source_ranges = [var.ranges.control_plane]",
                          'source_ranges = ["128.0.0.0/1"]', "open to 128.0.0.0/1"),
    "no source": ("dev", 1, f"{MODULES}/nodes/main.tf", "  source_tags = [local.tag]\n", "", "it names no source"),
    "no target": ("dev", 2, f"{MODULES}/network/main.tf", "  target_tags   = [var.node_tag]\n", "", "it names no target"),
    "default network": ("dev", 1, f"{MODULES}/network/main.tf", "auto_create_subnetworks = false",
                        "auto_create_subnetworks = true", "auto_create_subnetworks must be false"),
    "zonal": ("prod", 1, f"{MODULES}/cluster/main.tf", "location                 = var.region",
              'location                 = "${var.region}-a"', "europe-west4-a is not a region"),
    "no policies": ("prod", 1, f"{MODULES}/cluster/main.tf", '"ADVANCED_DATAPATH"', '"LEGACY_DATAPATH"',
                    "nothing enforces NetworkPolicies"),
    "no identity": ("prod", 1, f"{MODULES}/cluster/main.tf",
                    '  workload_identity_config {\n    workload_pool = "${var.project}.svc.id.goog"\n  }\n', "",
                    "no workload identity"),
    "machine's account": ("prod", 1, f"{MODULES}/cluster/main.tf", '"GKE_METADATA"', '"GCE_METADATA"',
                          "pods get the machine's own account"),
    "default account": ("prod", 1, f"{MODULES}/cluster/main.tf", "    service_account = google_service_account.nodes.email\n", "",
                        "has the default account"),
    "everybody pulls": ("prod", 1, f"{MODULES}/registry/main.tf", "member     = each.value", 'member     = "allUsers"',
                        "gives roles/artifactregistry.reader to allUsers"),
    "editor": ("prod", 1, f"{MODULES}/release/main.tf", "roles/container.admin", "roles/editor", "is too much for anybody"),
    "too few machines": ("prod", 1, "terraform/environments/prod/main.tf", "min = 3, max = 9", "min = 3, max = 4",
                         "processor runs out"),
    "too many machines": ("prod", 2, "terraform/environments/prod/main.tf", "min = 3, max = 9", "min = 5, max = 9",
                          "machines need never be added"),
    "unknown machines": ("prod", 3, "terraform/environments/prod/main.tf", '"e2-standard-2"', '"e2-standrad-2"',
                         "the room of the pools is unknown"),
    "more pods": ("acc", 1, "k8s/overlays/acc/kustomization.yaml", "/spec/maxReplicas, value: 60", "/spec/maxReplicas, value: 90",
                  "processor runs out"),
    "fewer pods": ("acc", 2, "k8s/overlays/acc/kustomization.yaml", "/spec/maxReplicas, value: 60", "/spec/maxReplicas, value: 9",
                   "machines need never be added"),
    "larger pods": ("acc", 1, "k8s/components/application/application.yaml", "memory: 32Mi", "memory: 2Gi", "memory runs out"),
    "port closed": ("prod", 1, f"{MODULES}/network/main.tf", "ports    = [tostring(var.metrics_api_port)]", 'ports    = ["8443"]',
                    TWO_PORTS),
    "port moved": ("prod", 3, "k8s/base/gateway/deployment.yaml", "containerPort: 6443", "containerPort: 6444", "reach port 6444"),
    "another tag": ("prod", 2, f"{MODULES}/cluster/main.tf", "tags            = [var.node_tag]",
                    'tags            = ["others"]', TWO_PORTS),
    "another address": ("prod", 1, f"{MODULES}/address/main.tf", '  name         = "gateway"', '  name         = "front"',
                        "asks for the address gateway, and the plan has front"),
    "no database": ("prod", 2, "terraform/environments/prod/main.tf", '"db-custom-2-7680"', "null",
                    "expects a database outside of the cluster, and the plan makes none"),
    "two databases": ("dev", 1, "terraform/environments/dev/main.tf", "database_tier   = null",
                      'database_tier   = "db-custom-1-3840"', "brings a database, and the plan makes another"),
}


@pytest.fixture(scope="module")
def findings(initialised, tmp_path_factory):
    """What is said of all that a round breaks."""
    @functools.cache
    def of(environment, number):
        workspace = initialised.copy(tmp_path_factory.mktemp(f"{environment}-{number}"))
        for where, when, file, old, new, _ in BROKEN.values():
            if (where, when) == (environment, number):
                workspace.edit(file, old, new)
        code, said = workspace.check(environment, workspace.plan(f"environments/{environment}", variables(environment)))
        assert code == 1, said
        return said
    return of


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_environment_is_refused(findings, name):
    environment, number, *_, said = BROKEN[name]
    assert said in findings(environment, number)


ADDED = {
    "password in the state": ('resource "google_sql_user" "app_b" {\n  name = "app_b"\n  instance = "gateway"\n'
                              '  password = "secret"\n}\n', "a password would stand in the state"),
    "key": ('resource "google_service_account_key" "key" {\n  service_account_id = "release"\n}\n',
            "a private key would stand in the state"),
    "secret in the state": ('resource "google_secret_manager_secret_version" "v" {\n  secret = "jobs-tls"\n'
                            '  secret_data = "secret"\n}\n', "a secret's value would stand in the state"),
    "public bucket": ('resource "google_storage_bucket" "b" {\n  name = "b"\n  location = "EU"\n}\n', "may be made public"),
}


def test_what_is_added_is_judged_too(workspace):
    (workspace.terraform / "environments/dev/added.tf").write_text("\n".join(text for text, _ in ADDED.values()))
    workspace.write_schema()
    code, found = workspace.check("dev", workspace.plan("environments/dev", variables("dev")))
    assert code == 1 and [said for _, said in ADDED.values() if said not in found] == [], found


@pytest.mark.parametrize("environment, code", [("prod", 1), ("acc", 0)])
def test_what_is_precious_goes_only_where_it_may(initialised, plans, environment, code):
    """As a plan that replaces the database looks."""
    plan = json.loads(plans[environment])
    for each in plan["resource_changes"]:
        if each["type"] == "google_sql_database_instance":
            each["change"]["actions"] = ["delete", "create"]
    found_code, found = initialised.check(environment, json.dumps(plan))
    assert found_code == code and ("would be deleted or replaced, in prod" in found) == bool(code), found


def test_a_plan_that_is_none_is_not_taken_for_a_good_one(initialised):
    code, said = initialised.check("prod", "{}")
    assert code == 1 and "no resources" in said


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_readme_has_the_figures_that_the_check_computes(plans, environment):
    text = subprocess.run([tool("kustomize"), "build", ROOT / "k8s/overlays" / environment], check=True,
                          capture_output=True, text=True).stdout
    needed = overlay.requests_of([each for each in yaml.safe_load_all(text) if each], surge=False)[0]
    smallest, largest = overlay.room(Plan(json.loads(plans[environment])).of("google_container_node_pool"))
    row = re.search(rf"^\| {environment} \| (?:\d.*) \| (\d+)m \| (\d+)m \| (\d+)m \|$",
                    (ROOT / "terraform/README.md").read_text(), re.M)
    assert [int(each) for each in row.groups()] == [needed, smallest[0], largest[0]]


@pytest.mark.parametrize("machine_type, processor, memory", [
    # As Google publishes it: allocatable processor, and memory before the 100 MiB of eviction, to a hundredth of a GiB.
    ("e2-standard-2", 1930, 8 - 1 - 0.8), ("e2-standard-4", 3920, 16 - 1 - 0.8 - 0.8), ("e2-medium", 940, 4 - 1),
    ("n2-highcpu-8", 7910, 8 - 1 - 0.8),
])
def test_what_a_machine_leaves_to_pods(machine_type, processor, memory):
    found = overlay.allocatable(machine_type)
    assert found[0] == processor and found[1] == pytest.approx(memory * 1024 - 100)
