"""The admin listener of the real gateway: by hand, and its page through a headless browser."""

import http.client
import json
import os
import subprocess

from browser import Browser
from harness import ADMIN_TOKEN, System, run_tests, wait_until

BROKEN = """\
  - {name: broken, match: {path_prefix: /broken}, respond: {status: 503, body: "no"}}
"""
TOKEN = {"Authorization": "mytoken"}
system = System(more_routes=BROKEN)


def ask(port, path, method="GET", **headers):
    connection = http.client.HTTPConnection("127.0.0.1", system.settings[port], timeout=20)
    try:
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def stats():
    return json.loads(system.admin("/stats")[1])


def traffic():
    for _ in range(20):
        assert system.get("/jobs?access_token=s3cret", "POST", TOKEN, tls=True)[0] == 200
    for _ in range(10):
        assert system.get("/hello")[0] == 200
    assert system.get("/jobs", "POST", {"Authorization": "wrong"})[0] == 401
    assert system.get("/broken/<img%20src=x%20onerror=hurt()>")[0] in (400, 503)
    assert system.get("/broken/%3Cimg%20src=x%3E")[0] == 503
    assert system.get("/none")[0] == 404


def numbers_of_real_traffic():
    seen = stats()
    routes = {route["name"]: route for route in seen["routes"]}
    assert routes["jobs"]["responses"] == [0, 0, 20, 0, 1, 0], routes["jobs"]
    assert sum(routes["jobs"]["latency"]) == 21
    assert seen["process"]["local_replies"]["unauthenticated"] == 1
    assert seen["process"]["local_replies"]["no_route"] == 1
    tokens = seen["tokens"][0]
    assert (tokens["allow"], tokens["deny"]) == (20, 1), tokens
    assert seen["errors"][0]["path"] == "/broken/%3Cimg%20src=x%3E", seen["errors"]
    upstream = next(each for each in seen["upstreams"] if each["name"] == "app-a")
    assert sum(sum(each["responses"]) for each in upstream["endpoints"]) == 30, upstream
    tls = next(each for each in seen["listeners"] if each["name"] == "https")
    assert tls["tls13"] == 20 and tls["failed"] == 0, tls


def arrivals_are_those_meant_for_the_upstream():
    # The running second is not shown yet; 401, 404 and fixed answers never are.
    wait_until(lambda: sum(stats()["totals"]["history"]) == 30, "30 arrivals in the last minute")


def metrics_are_well_formed():
    status, text = ask("admin", "/metrics")
    assert status == 200
    found = subprocess.run(["promtool", "check", "metrics"], input=text, text=True,
                           capture_output=True, check=False)
    assert found.returncode == 0, found.stdout + found.stderr
    assert 'gateway_requests_total{route="jobs",class="2xx"} 20\n' in text
    assert 'gateway_endpoint_healthy{upstream="app-a"' in text


def access_log_has_each_exchange_and_no_token():
    log = system.folder / "access.log"
    wait_until(lambda: log.read_text().count("\n") >= 34, "the lines of all exchanges")
    assert "s3cret" not in log.read_text() and "mytoken" not in log.read_text()
    line = json.loads(log.read_text().splitlines()[0])
    assert line["path"] == "/jobs?access_token=[redacted]"
    assert (line["route"], line["user"], line["status"]) == ("jobs", "density", 200)
    assert line["upstream_us"] <= line["duration_us"]


def access_log_is_reopened_on_sigusr1():
    log, moved = system.folder / "access.log", system.folder / "access.log.1"
    log.rename(moved)
    system.processes["gateway"].send_signal(10)
    wait_until(log.exists, "a new access log")
    assert system.get("/hello")[0] == 200
    wait_until(lambda: log.read_text().count("\n") == 1, "the line in the new log")


def nothing_of_it_is_on_the_public_port():
    for path in ("/metrics", "/stats", "/config", "/healthz"):
        assert ask("http", path)[0] == 404, path


def other_hosts_and_origins_are_refused():
    assert ask("admin", "/stats", Host="attacker.example")[0] == 421
    assert ask("admin", "/stats", Origin="http://attacker.example")[0] == 403
    assert ask("admin", "/reload", "POST")[0] == 401
    assert ask("admin", "/drain", "POST", Authorization="Bearer wrong")[0] == 401


def configuration_shows_no_secret():
    status, text = ask("admin", "/config")
    assert status == 200 and "admin-token" in text and ADMIN_TOKEN not in text


def page_shows_what_happened(page):
    text = page.evaluate("document.body.innerText")
    for words in ("ready", "jobs", "127.0.0.1:", "/broken/%3Cimg", "no route", "Listeners"):
        assert words in text, words
    assert page.evaluate("document.querySelectorAll('#routes tbody tr').length") == 3
    assert page.evaluate("document.querySelectorAll('.endpoint').length") == 4
    assert page.evaluate("document.querySelector('#rate-chart path.curve') !== null")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def page_asks_nobody_else_and_runs_nothing_else(page):
    own = f"http://127.0.0.1:{system.settings['admin']}/"
    assert all(address.startswith(own) for address in page.requested()), page.requested()
    assert page.complaints() == [], page.complaints()
    assert page.evaluate("document.querySelectorAll('main img, main script').length") == 0
    page.evaluate("document.body.setAttribute('onclick', 'window.hurt = 1'); document.body.click()")
    assert page.evaluate("window.hurt === undefined")


def page_reloads_with_the_token_only(page):
    before = stats()["generation"]
    press = "document.getElementById('token').value = '%s'; document.getElementById('reload').click()"
    outcome = "document.getElementById('outcome').textContent"
    page.evaluate(press % "wrong")
    page.wait_for(outcome + ".includes('token')")
    assert stats()["generation"] == before
    page.evaluate(press % ADMIN_TOKEN)
    page.wait_for(outcome + ".startsWith('Configuration #')")
    assert stats()["generation"] == before, "nothing had changed"
    assert 'gateway_requests_total{route="jobs",class="2xx"} 20\n' in ask("admin", "/metrics")[1]


def page_shows_an_endpoint_that_went(page):
    system.kill(f"app_a-{system.app_a_ports[0]}")
    def one_is_out():
        system.get("/hello")
        return page.evaluate("document.querySelectorAll('.endpoint.bad, .endpoint.warn').length") == 1
    wait_until(one_is_out, "one endpoint shown as out")


def page_says_when_the_gateway_is_gone(page):
    page.evaluate("window.confirm = () => true; document.getElementById('drain').click()")
    assert system.processes["gateway"].wait(30) == 0
    page.wait_for("document.body.classList.contains('stale')")
    assert page.evaluate("document.getElementById('state').textContent") == "unreachable"


def page_in_both_themes():
    for dark in (False, True):
        with Browser(dark=dark) as page:
            page.open(f"http://127.0.0.1:{system.settings['admin']}/")
            page.wait_for("+document.body.dataset.answers >= 2")
            page_shows_what_happened(page)
            page_asks_nobody_else_and_runs_nothing_else(page)
            if os.environ.get("GATEWAY_SCREENSHOTS"):
                page.screenshot(f"{os.environ['GATEWAY_SCREENSHOTS']}/admin-{dark}.png")


def page_acts():
    with Browser() as page:
        page.open(f"http://127.0.0.1:{system.settings['admin']}/")
        page.wait_for("+document.body.dataset.answers >= 1")
        page_reloads_with_the_token_only(page)
        page_shows_an_endpoint_that_went(page)
        page_says_when_the_gateway_is_gone(page)


if __name__ == "__main__":
    with system:
        run_tests([traffic, numbers_of_real_traffic, arrivals_are_those_meant_for_the_upstream,
                   metrics_are_well_formed, access_log_has_each_exchange_and_no_token,
                   access_log_is_reopened_on_sigusr1, nothing_of_it_is_on_the_public_port,
                   other_hosts_and_origins_are_refused, configuration_shows_no_secret,
                   page_in_both_themes, page_acts])
