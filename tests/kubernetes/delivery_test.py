"""Releases of App A step by step, under load: a good one is promoted, a bad one is gone and few noticed."""
import base64
import json
import os
import signal
import subprocess
import sys

import pytest

from harness import images
from harness.api import wait_until
from harness.images import ROOT
from harness.load import Load

sys.path.insert(0, str(ROOT / "tools"))
import query_api

RATE = 40
KINDS = "deployment,service,ingress,networkpolicy,horizontalpodautoscaler,poddisruptionbudget"
TOKEN = "of-the-tests"
QUICK = ("--hold=8", "--requests=10", "--deadline=240", "--ready=60")


def digest(letter):
    return "app-a@sha256:" + letter * 64


GOOD, NEXT, LAST, UNUSED, BAD = (digest(each) for each in "abcde")


@pytest.fixture(scope="module", autouse=True)
def programs():
    images.RELEASES[BAD] = images.stand_in("broken")
    yield
    del images.RELEASES[BAD]


@pytest.fixture(scope="module")
def reading(gateway, tmp_path_factory):
    """The options that name the query API of one replica, once it knows its readers' token."""
    folder = tmp_path_factory.mktemp("readers")
    gateway.kubectl("create", "secret", "generic", "gateway-readers", "-n", "gateway", f"--from-literal=token={TOKEN}")
    (folder / "token").write_text(TOKEN)
    authority = gateway.api.find("Secret", "gateway-metrics", "gateway")["data"]["ca.crt"]
    (folder / "ca.crt").write_bytes(base64.b64decode(authority))
    found = [f"--query=https://{gateway.gateways()[0].network.address}:9903", f"--query-ca={folder}/ca.crt",
             f"--token-file={folder}/token"]

    def answered():
        with query_api.Tunnel(query_api.parser().parse_args(found)) as address:
            try:
                return query_api.QueryApi(address).sum("gateway_cluster_requests_per_second", route=".*") is not None
            except query_api.NoNumber:
                return False

    wait_until(answered, 60, "an answer for the readers' token")
    yield found
    gateway.kubectl("delete", "secret", "gateway-readers", "-n", "gateway")


@pytest.fixture
def start(gateway, reading):
    environment = {**os.environ, "KUBECONFIG": f"{gateway.plane.work}/admin.kubeconfig",
                   "PATH": f"{gateway.plane.bin}:{os.environ['PATH']}"}
    running = []

    def start_one(image, *options):
        running.append(subprocess.Popen([str(ROOT / "tools/rollout"), "dev", image, *reading, *QUICK, *options],
                                        env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True))
        return running[-1]

    yield start_one
    for each in running:
        each.kill()
        each.wait()


@pytest.fixture
def release(start):
    def run(*arguments):
        process = start(*arguments)
        said, _ = process.communicate(timeout=400)
        return process.returncode, said

    return run


@pytest.fixture
def load(gateway):
    gateway.scale("app-a", 2)
    with Load(RATE, width=12) as running:
        wait_until(lambda: running.answered >= 2 * RATE, 30, "traffic")
        yield running


def image(gateway):
    return gateway.api.find("Deployment", "app-a", "jobs")["spec"]["template"]["spec"]["containers"][0]["image"]


def objects(gateway):
    """What is there, and what was asked of it; how many replicas is the autoscaler's."""
    listed = json.loads(gateway.kubectl("get", KINDS, "-n", "jobs", "-o", "json"))["items"]
    return {(each["kind"], each["metadata"]["name"]): {**each["spec"], "replicas": None} for each in listed}


def names(gateway):
    return set(objects(gateway))


def more(load, count=2 * RATE):
    """Traffic goes on: so many more answers."""
    end = load.answered + count
    wait_until(lambda: load.answered >= end, 30, "more traffic")


def read_until(process, text):
    for line in process.stdout:
        if text in line:
            return
    raise AssertionError(f"it ended with {process.wait()} before it said '{text}'")


def test_a_good_image_is_promoted_and_nobody_notices(gateway, load, release):
    before = names(gateway)
    code, said = release(GOOD)
    assert code == 0, said
    assert [step for step in ("5 %", "25 %", "100 %") if f"{step} of the requests" in said] == ["5 %", "25 %", "100 %"]
    assert image(gateway) == GOOD
    assert names(gateway) == before
    more(load)
    assert not load.failures, load.failures[:5]


def test_a_bad_image_is_gone_before_a_twentieth_of_the_requests_failed(gateway, load, release):
    before = objects(gateway)
    code, said = release(BAD)
    assert code == 1, said
    assert "at 5 %" in said and "reverted" in said, said
    assert objects(gateway) == before
    more(load)
    noticed = len(load.failures)
    assert 1 <= noticed <= 0.05 * len(load.sent), said
    more(load)
    assert len(load.failures) == noticed, "some of it is still there"


def test_a_run_that_was_killed_is_finished_by_the_next(gateway, load, start, release):
    before = names(gateway)
    killed = start(NEXT)
    read_until(killed, "5 % of the requests")
    killed.kill()
    killed.wait()
    assert ("Deployment", "app-a-canary") in names(gateway)
    code, said = release(NEXT)
    assert code == 0, said
    assert "earlier run" in said
    assert (image(gateway), names(gateway)) == (NEXT, before)
    code, said = release(NEXT)
    assert (code, "already" in said) == (0, True), said
    assert not load.failures, load.failures[:5]


def test_a_run_that_is_ended_takes_its_release_back(gateway, load, start):
    before = objects(gateway)
    ended = start(LAST)
    read_until(ended, "5 % of the requests")
    ended.send_signal(signal.SIGTERM)
    said, _ = ended.communicate(timeout=120)
    assert ended.returncode == 1 and "reverted" in said, said
    assert objects(gateway) == before
    assert not load.failures, load.failures[:5]


def test_what_cannot_be_judged_is_not_released(gateway, release):
    before = objects(gateway)
    code, said = release(UNUSED, "--deadline=15")
    assert code == 1 and "requests in a minute" in said, said
    assert objects(gateway) == before


def test_an_image_without_a_digest_is_refused(gateway, release):
    code, said = release("app-a:0.1.0")
    assert code == 1 and "no digest" in said, said
