"""Annotations that show when what is behind an Ingress, or judges its tokens, changes."""
import pytest

from harness.api import wait_until
from harness.certificates import make_secret
from harness.cluster import ingress
from harness.load import NamedConnection
from harness.sites import DOMAIN, GOOD, HTTPS, SERVERS, Site

SERVER, JUDGE = "changing", "changing-judge"


@pytest.fixture(scope="module", autouse=True)
def servers(gateway, apply_for_all, tmp_path_factory):
    secret, _ = make_secret(tmp_path_factory.mktemp("changing"), "notes-tls", f"*.{DOMAIN}")
    apply_for_all("\n---\n".join([secret, *(SERVERS.format(name=name, replicas=1) for name in (SERVER, JUDGE))]))
    for name in (SERVER, JUDGE):
        gateway.kubectl("rollout", "status", f"deployment/{name}", "-n", "jobs", "--timeout=60s", timeout=70)


@pytest.fixture
def site(gateway, apply):
    def make(name, **annotations):
        host = f"{name}.{DOMAIN}"
        apply(ingress(name, "/", SERVER, host, **annotations))
        return Site(gateway, host)

    return make


@pytest.fixture
def scale(gateway):
    def to(name, replicas):
        gateway.kubectl("scale", f"deployment/{name}", "-n", "jobs", f"--replicas={replicas}")
        gateway.kubectl("rollout", "status", f"deployment/{name}", "-n", "jobs", "--timeout=60s", timeout=70)

    yield to
    for name in (SERVER, JUDGE):
        to(name, 1)


def on_one_connection(site):
    """What a token gets there, always from the same worker: each remembers verdicts of its own."""
    connection = NamedConnection(site.address, HTTPS, site.host, 10)

    def status(token):
        connection.request("GET", "/", headers={"Host": site.host, "Authorization": token})
        with connection.getresponse() as answer:
            answer.read()
            return answer.status

    return status


def test_token_auth_stale_ttl(site, scale):
    """Beside a host that believes no verdict longer than it lasts, and is asked later."""
    asks = {"token_auth_upstream": f"{JUDGE}:http", "token_auth_path": "/user/somebody", "token_auth_allow_ttl": "1s"}
    sites = site("stale", token_auth_stale_ttl="1h", **asks), site("strict", **asks)
    for each in sites:
        wait_until(lambda each=each: each.status(headers=GOOD) == 200, 20, "a good token")
    stale, strict = map(on_one_connection, sites)
    assert (stale("known"), strict("known")) == (200, 200)
    scale(JUDGE, 0)
    wait_until(lambda: strict("known") == 503, 20, "no verdict any more")
    assert (stale("known"), stale("another")) == (200, 503)


def test_slow_start(site, scale):
    """Two endpoints have half each, but for the one that came an hour too late."""
    slow, even = site("slow", slow_start="1h"), site("even")

    def share(of):
        pods = [each.headers["X-Pod"] for each in of.several(200)]
        return pods.count(newest) / len(pods)

    for each in (slow, even):
        wait_until(lambda each=each: each.status() == 200, 20, "one endpoint")
    first = slow.get().headers["X-Pod"]
    scale(SERVER, 2)
    wait_until(lambda: len({each.headers["X-Pod"] for each in even.several(20)}) == 2, 20, "two endpoints")
    newest = next(each.headers["X-Pod"] for each in even.several(20) if each.headers["X-Pod"] != first)
    wait_until(lambda: share(slow) > 0, 20, "the newest")
    assert share(even) > 0.4
    assert share(slow) < 0.2


def test_health_check_timeout(site):
    """Beside a host whose endpoints may take the second that they have by default."""
    asks = {"health_check_path": "/wait/0.4", "health_check_interval": "50ms", "health_check_unhealthy_after": "1"}
    patient = site("patient", health_check_host="patient", **asks)
    hasty = site("hasty", health_check_timeout="100ms", **asks)
    wait_until(lambda: patient.status() == 200, 20, "who waits")
    wait_until(lambda: hasty.status() == 503, 20, "who does not")
    wait_until(lambda: patient.seen("GET /wait/0.4 patient", SERVER) > 3, 20, "questions")
    assert patient.status() == 200


def test_health_check_healthy_after(site):
    """The endpoint is ill for three questions, and must be well for forty then."""
    late = site("late", health_check_path="/after/3", health_check_interval="50ms", health_check_unhealthy_after="1",
                health_check_healthy_after="40")
    wait_until(lambda: late.status() == 503, 20, "an endpoint that is ill")
    wait_until(lambda: late.status() == 200, 30, "it is well")
    assert late.seen("GET /after/3 ", SERVER) >= 43
