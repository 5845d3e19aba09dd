"""Whole environments, brought up, looked at again and taken down against the stand-in provider."""
import json

import pytest

from conftest import ENVIRONMENTS, variables
from harness.workspace import arguments_of

BOOTSTRAP = {"project": "gateway-prod-test", "folder": "folders/1", "billing_account": "000000-000000-000000",
             "monthly_budget": 900}


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_an_environment_passes_every_rule(initialised, plans, environment):
    code, said = initialised.check(environment, plans[environment])
    assert code == 0 and "nothing found" in said, said


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_an_environment_comes_up_stays_and_goes(workspace, environment):
    root = f"environments/{environment}"
    given = arguments_of(variables(environment))
    workspace.ok(root, "apply", "-no-color", "-input=false", "-auto-approve", *given)
    again = workspace.run(root, "plan", "-no-color", "-input=false", "-detailed-exitcode", *given)
    assert again.returncode == 0, f"a second plan changes something:\n{again.stdout}{again.stderr}"
    release = json.loads(workspace.ok(root, "output", "-json", "release"))
    assert release["cluster"] == "gateway" and release["address"] == "gateway"
    assert release["registry"] == f"europe-west4-docker.pkg.dev/gateway-{environment}-test/images"
    workspace.ok(root, "destroy", "-no-color", "-input=false", "-auto-approve", *given)
    assert workspace.ok(root, "state", "list") == ""


def test_only_environments_without_a_database_of_their_own_get_one(plans):
    def databases(environment):
        return [each["address"] for each in json.loads(plans[environment])["resource_changes"]
                if each["type"] == "google_sql_database_instance"]
    assert [len(databases(each)) for each in ENVIRONMENTS] == [0, 1, 1]


def test_nomad_is_left_out_unless_its_program_is_named(initialised):
    given = {name: value for name, value in variables("dev").items() if name != "nomad_program"}
    plan = json.loads(initialised.plan("environments/dev", given))
    assert not [each for each in plan["resource_changes"] if "nomad" in each["address"]]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_bootstrap_passes_the_rules_that_concern_it(initialised, environment):
    plan = initialised.plan("bootstrap", {**BOOTSTRAP, "environment": environment})
    code, said = initialised.check(environment, plan)
    assert code == 0, said
    project = next(each for each in json.loads(plan)["resource_changes"] if each["type"] == "google_project")
    assert project["change"]["after"]["deletion_policy"] == ("PREVENT" if environment == "prod" else "DELETE")


def test_bootstrap_turns_on_every_api_that_an_environment_needs(initialised, plans):
    plan = json.loads(initialised.plan("bootstrap", {**BOOTSTRAP, "environment": "prod"}))
    on = {each["change"]["after"]["service"].removesuffix(".googleapis.com")
          for each in plan["resource_changes"] if each["type"] == "google_project_service"}
    needed = {"google_artifact": "artifactregistry", "google_compute": "compute", "google_container": "container",
              "google_dns": "dns", "google_iam": "iam", "google_project": "cloudresourcemanager",
              "google_secret": "secretmanager", "google_service_networking": "servicenetworking",
              "google_service_account": "iam", "google_sql": "sqladmin", "google_storage": "storage"}
    for text in plans.values():
        for each in json.loads(text)["resource_changes"]:
            services = [service for prefix, service in needed.items() if each["type"].startswith(prefix)]
            assert services and set(services) <= on, each["type"]


def test_bootstrap_refuses_a_fourth_environment(initialised):
    done = initialised.run("bootstrap", "plan", "-no-color", "-input=false",
                           *arguments_of({**BOOTSTRAP, "environment": "staging"}))
    assert done.returncode != 0 and "There are dev, acc and prod." in done.stdout + done.stderr
