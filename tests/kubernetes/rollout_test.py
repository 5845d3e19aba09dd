"""Rolling restarts under load: nothing fails, and nothing that changes something is done twice."""
import time

from harness.api import wait_until
from harness.load import Load


def roll(gateway, name, namespace):
    """Until the last pod of before is gone."""
    old = {each.name for each in gateway.kubelet.find(namespace, name)}
    gateway.kubectl("rollout", "restart", f"deployment/{name}", "-n", namespace)
    gateway.kubectl("rollout", "status", f"deployment/{name}", "-n", namespace, "--timeout=180s", timeout=190)
    wait_until(lambda: not old & {each.name for each in gateway.kubelet.find(namespace, name)}, 120,
               "the end of the old pods")


def roll_under_load(gateway, name, namespace):
    before = gateway.executed()
    with Load(40, width=12) as load:
        wait_until(lambda: load.answered >= 80, 30, "traffic")
        began = time.strftime("%H:%M:%S")
        roll(gateway, name, namespace)
        after = load.answered
        wait_until(lambda: load.answered >= after + 80, 30, "traffic after it")
    assert not load.failures, f"begun {began}, {len(load.failures)} failed: " + "\n".join(load.failures[:20])
    assert load.answered == len(load.sent)
    wait_until(lambda: gateway.executed() >= before + len(load.sent), 30, "the apps' logs")
    assert gateway.executed() - before == len(load.sent)


def test_a_rolling_restart_of_app_a_loses_nothing(gateway):
    gateway.scale("app-a", 2)
    roll_under_load(gateway, "app-a", "jobs")


def test_a_rolling_restart_of_three_gateways_loses_nothing(gateway):
    gateway.scale("gateway", 3, "gateway")
    roll_under_load(gateway, "gateway", "gateway")
    gateway.scale("gateway", 2, "gateway")
