"""What the jobs serve, through the gateways and as their operators use them."""
import re
import subprocess

import pytest

from harness.cluster import HTTP_PORT, wait_until
from harness.load import ask
from harness.network import PUBLIC

JOBS = b"Jobs:\nTitle: Devops\nDescription: Awesome\n"
TOKEN = {"Authorization": "mytoken"}


@pytest.fixture(params=PUBLIC)
def address(request, installed):
    wait_until(lambda: ask(request.param, "/jobs", "POST", TOKEN)[0] == 200, "the gateway serves /jobs")
    return request.param


def test_the_exercise_is_answered_on_every_node(address):
    for https in (False, True):
        assert ask(address, "/jobs", "POST", TOKEN, https=https) == (200, JOBS)
        assert ask(address, "/hello", https=https) == (200, b"Hello there")
        assert ask(address, "/jobs", "POST", {"Authorization": "wrong"}, https=https)[0] == 401


def test_the_exercises_own_command_fails_no_request(address):
    done = subprocess.run(["ab", "-m", "POST", "-H", "Authorization: mytoken", "-n", "500", "-c", "4",
                           f"http://{address}:{HTTP_PORT}/jobs"], capture_output=True, text=True, timeout=120, check=False)
    assert re.search(r"Complete requests: +500\n", done.stdout) and re.search(r"Failed requests: +0\n", done.stdout), done
    assert re.search(r"Document Length: +41 bytes", done.stdout) and "Non-2xx" not in done.stdout


def test_hello_and_its_back_end_which_another_team_wrote(address):
    wait_until(lambda: ask(address, "/", host="hello.localhost") == (200, b"Hello, world!"), "hello answers")
    assert ask(address, "/other", host="hello.localhost")[0] == 404


def test_visitors_counts_by_the_address_that_the_gateway_saw(address):
    wait_until(lambda: ask(address, "/", host="visitors.localhost")[0] == 200, "visitors answers")
    status, page = ask(address, "/", host="visitors.localhost", headers={"X-Forwarded-For": "198.51.100.7"})
    assert status == 200 and b"198.51.100.7" not in page
    assert re.fullmatch(rb'\{"version": ?"[^"]+"\}\s*', ask(address, "/version", host="visitors.localhost")[1])


def test_migrations_ran_before_the_replicas(installed, database):
    assert database.sql("SELECT count(*) FROM users", database="app_b") == "1\n"
    for job in ("app-b", "visitors"):
        states = installed.running(job)[0]["TaskStates"]
        assert states["migrate"]["State"] == "dead" and not states["migrate"]["Failed"]
        assert states["migrate"]["FinishedAt"] <= states[job]["StartedAt"]


def test_a_user_is_added_by_a_command_in_the_service(installed, database, address):
    added = installed.nomad("alloc", "exec", "-i=false", "-t=false", "-task", "app-b", "-job", "app-b",
                            str(installed.programs / "app_b"), "user", "add", "ann")
    token = added.stdout.strip()
    assert re.fullmatch("[0-9A-Za-z_-]{20,}", token), added
    assert ask(address, "/jobs", "POST", {"Authorization": token}) == (200, JOBS)
    database.sql("DELETE FROM users WHERE username = 'ann'", database="app_b")
    assert token not in "".join(installed.task_log(each, "app-b") for each in installed.running("app-b"))


def test_each_gateway_knows_the_other_by_discovery(installed, gateways):
    def states():
        return [sorted(peer["state"] for peer in read["peers"].values()) if read else None
                for read in (gateways.read(address, "/api/rates") for address in gateways.addresses())]

    wait_until(lambda: states() == [["fresh", "self"]] * 2, states)
