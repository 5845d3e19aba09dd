"""The Nomad Autoscaler on the sums of two gateways that are loaded unevenly."""
import pytest

from harness.cluster import wait_until
from harness.load import Load, ask
from harness.network import PUBLIC

JOBS = '/api/v1/query?query=sum(gateway_cluster_requests_per_second%7Broute=~%22hello%7Cjobs%22%7D)'


@pytest.fixture
def autoscaler(installed):
    installed.run_autoscaler()
    yield installed
    installed.nomad("job", "stop", "-purge", "autoscaler")


def rates(gateways):
    """What each of the gateways says of all of them."""
    found = [gateways.read(address, JOBS) for address in gateways.addresses()]
    return [float(each["data"]["result"][0]["value"][1]) if each else None for each in found]


def test_app_a_follows_the_sum_of_unevenly_loaded_gateways(autoscaler, gateways):
    """No gateway alone has what three replicas are for."""
    autoscaler.run_application("app-a", requests_per_second=100)

    def told():
        logs = "".join(autoscaler.task_log(each, "autoscaler") for each in autoscaler.running("autoscaler"))
        return f"{rates(gateways)} {logs[-3000:]}"

    # The autoscaler may have read what other tests sent a minute ago.
    wait_until(lambda: autoscaler.count("app-a") == 1, told, 240)
    with Load({PUBLIC[0]: 190, PUBLIC[1]: 40}) as load:
        wait_until(lambda: autoscaler.count("app-a") == 3, told, 120)
        wait_until(lambda: len(autoscaler.running("app-a")) == 3, "three replicas run")
        seen = rates(gateways)
        assert len(seen) == 2 and all(rate and abs(rate - 230) < 12 for rate in seen), seen
        assert len({each["NodeName"] for each in autoscaler.running("app-a")}) == 2
        load.rates.update({PUBLIC[0]: 10, PUBLIC[1]: 3})
        wait_until(lambda: autoscaler.count("app-a") == 1, told, 240)
        wait_until(lambda: len(autoscaler.running("app-a")) == 1, "one replica is left", 60)
    assert load.sent > 2000 and load.failures == []


def test_the_reader_passes_on_questions_and_nothing_else(autoscaler):
    """It has the token, and whoever is on the node may ask it."""
    reader = f"127.0.0.1:{autoscaler.port(autoscaler.running('autoscaler')[0], 'reader')}"
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    wait_until(lambda: ask(reader, JOBS)[0] == 200, "the reader has a gateway to ask")
    assert ask(reader, JOBS.partition("?")[0], "POST", form, body=JOBS.partition("?")[2])[0] == 200
    for method in ("HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"):
        assert ask(reader, JOBS, method)[0] in (404, 405), method
    for path in ("/api/rates", "/api/v1/labels", "/api/v1/query/more", "/healthz", "/"):
        assert ask(reader, path)[0] == 404, path


def test_without_a_number_the_replicas_stay_and_follow_again_afterwards(autoscaler):
    """No gateway is there to ask, and then again one. An error must not be the last that is heard of a policy."""
    def said(words):
        return "".join(autoscaler.task_log(each, "autoscaler") for each in autoscaler.running("autoscaler")).count(words)

    autoscaler.run_application("app-a", requests_per_second=100)
    autoscaler.nomad("job", "stop", "gateway")
    try:
        wait_until(lambda: autoscaler.instances("gateway-cluster", None) == [], "no gateway is left")
        autoscaler.nomad("job", "scale", "app-a", "service", "2")
        wait_until(lambda: len(autoscaler.running("app-a")) == 2, "two replicas run")
        errors = said("failed to query")
        wait_until(lambda: said("failed to query") >= errors + 3, "the autoscaler asks and gets no number")
        assert autoscaler.count("app-a") == 2
    finally:
        autoscaler.run_gateway()
    wait_until(lambda: autoscaler.count("app-a") == 1, "there is a number again", 120)
