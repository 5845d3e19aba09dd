"""The end of docker/compose.yaml, and what outlives it."""
from harness.engine import Container, inspect, podman, wait_until

GRACE = 60


def test_requests_under_way_are_answered_and_nothing_has_to_be_killed(compose, visitor):
    names = [name for name, each in compose.containers().items() if each["State"] == "running"]
    gateway = "gateway_gateway_1"
    for name in [gateway, *(each for each in names if not each.endswith("-db_1") and each != gateway),
                 *(each for each in names if each.endswith("-db_1"))]:
        podman("stop", "--time", str(GRACE), name)
        code = inspect(name, "{{.State.ExitCode}}")
        assert code in (("0", "1", "130") if "hello-back" in name else ("0",)), (name, code, Container(name).log()[-500:])


def test_another_start_has_the_same_data(compose, visitor):
    compose.run("down")
    compose.run("up", "-d", "--no-build")
    wait_until(lambda: visitor.jobs()[0] == 200, "the user of before is let in")
    own, _ = wait_until(visitor.visit, "the page counts")
    assert own > 1, "the visits of before are there"
