"""Releases under load: a canary, a release that is not well and goes back, gateways that learn of all of it."""
import re
import ssl
import subprocess

from harness.cluster import HTTPS_PORT, wait_until
from harness.load import Load, ask
from harness.network import PUBLIC


def deployment(cluster, job):
    return cluster.api(f"/v1/job/{job}/deployment")


def gateway_processes(cluster):
    return sorted((each["ID"], each["TaskStates"]["gateway"]["Restarts"]) for each in cluster.running("gateway"))


def test_a_release_is_a_canary_first_and_fails_no_request(installed):
    # What the autoscaler asked for last may still be a deployment, and Nomad takes no other count meanwhile.
    wait_until(lambda: deployment(installed, "app-a")["Status"] == "successful", "the job is at rest", 120)
    installed.nomad("job", "scale", "app-a", "service", "2")
    wait_until(lambda: len(installed.running("app-a")) == 2, "two replicas run")
    before, gateways = installed.running("app-a"), gateway_processes(installed)
    with Load({PUBLIC[0]: 60, PUBLIC[1]: 20}) as load:
        installed.run_application("app-a", environment={"RELEASE": "next"})
        wait_until(lambda: deployment(installed, "app-a")["Status"] == "successful", "the release is out", 120)
        wait_until(lambda: len(installed.running("app-a")) == 2, "the replicas of before are gone")
    state = deployment(installed, "app-a")["TaskGroups"]["service"]
    assert state["DesiredCanaries"] == 1 and len(state["PlacedCanaries"]) == 1 and state["Promoted"]
    assert not {each["ID"] for each in before} & {each["ID"] for each in installed.running("app-a")}
    assert load.sent > 200 and load.failures == []
    assert gateway_processes(installed) == gateways, "the gateways were reloaded, not restarted"


def test_a_release_that_does_not_become_ready_goes_back_by_itself(installed):
    before = {each["ID"] for each in installed.running("app-a")}
    version = installed.api("/v1/job/app-a")["Version"]
    with Load({PUBLIC[0]: 60, PUBLIC[1]: 20}) as load:
        installed.run_application("app-a", wait=False, arguments=["--no-such-flag"], healthy_deadline="20s", progress_deadline="30s")
        wait_until(lambda: installed.api("/v1/job/app-a")["Version"] >= version + 2, "Nomad went back", 180)
        wait_until(lambda: deployment(installed, "app-a")["Status"] == "successful", "that release is out", 120)
    assert re.search("reverted|rolling back", str(installed.api("/v1/job/app-a/deployments"))), "it says so"
    assert before == {each["ID"] for each in installed.running("app-a")}, "its replicas never stopped"
    assert load.sent > 200 and load.failures == []


def test_routes_of_a_release_are_served_once_it_is_promoted(installed):
    route = {"name": "again", "match": {"path": "/again"}, "rewrite": {"path": "/hello"}}
    assert ask(PUBLIC[0], "/again")[0] == 404
    routes = [{"name": "hello", "match": {"path": "/hello"}}, route]
    installed.run_application("app-a", routes=routes)
    for address in PUBLIC:
        wait_until(lambda: ask(address, "/again") == (200, b"Hello there"), f"{address} serves the new route")
    installed.run_application("app-a")
    wait_until(lambda: ask(PUBLIC[1], "/again")[0] == 404, "the route is gone with its release")


def test_when_whom_a_filter_asks_is_away_the_other_routes_go_on(installed):
    installed.nomad("job", "stop", "app-b")
    wait_until(lambda: installed.instances("app-b", "http") == [], "App B is gone")
    wait_until(lambda: ask(PUBLIC[0], "/jobs", "POST", {"Authorization": "unknown"})[0] == 503, "no verdict, no answer")
    assert ask(PUBLIC[0], "/hello") == (200, b"Hello there")
    installed.run_application("app-b", arguments=["--seed-development"])
    wait_until(lambda: ask(PUBLIC[0], "/jobs", "POST", {"Authorization": "unknown"})[0] == 401, "App B is back")


def test_a_new_certificate_is_used_without_a_restart(installed, tmp_path):
    before = gateway_processes(installed)
    folder = tmp_path / "gateway"
    folder.mkdir()
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1",
                    "-subj", "/CN=renewed", "-addext", "subjectAltName=DNS:localhost", "-keyout", folder / "key",
                    "-out", folder / "certificate"], check=True, capture_output=True)
    installed.put_secrets(tmp_path)

    def shown():
        return ssl.get_server_certificate((PUBLIC[1], HTTPS_PORT))

    wait_until(lambda: shown() == (folder / "certificate").read_text(), "the new certificate is shown")
    assert gateway_processes(installed) == before


def test_a_release_of_the_gateways_goes_node_by_node(installed):
    before = {each["ID"] for each in installed.running("gateway")}
    installed.run_gateway(plain_http="redirect", filters=[{"type": "body_limit", "size": "1KiB"}],
                          max_connections={"https": 500, "http": 100})
    for address in PUBLIC:
        wait_until(lambda: ask(address, "/hello")[0] == 308, f"{address} redirects")
        assert ask(address, "/hello", https=True) == (200, b"Hello there")
        assert ask(address, "/hello", "POST", https=True, body="x" * 1025)[0] == 413
    after = sorted(installed.running("gateway"), key=lambda each: each["CreateTime"])
    assert len(after) == 2 and not before & {each["ID"] for each in after}
    assert after[1]["CreateTime"] - after[0]["CreateTime"] >= 5e9, "the second waited until the first was healthy"
