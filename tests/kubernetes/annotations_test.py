"""Each annotation that is supported, by a request that shows what it does. Each case has a host of its own; all
Ingresses are applied at once."""
import json
import ssl
import threading
import urllib.parse

import pytest

from harness.api import wait_until
from harness.certificates import Authority, authorities, make_secret
from harness.load import NamedConnection
from harness.sites import (CLERK, DOMAIN, GOOD, HTTP, HTTPS, INGRESSES, MORE, NOBODY, ORIGIN, SERVERS, Site, canary_of,
                           case)


# Paths and hosts.
@case(path="/api(/|$)(.*)", rewrite_target="/$2")
def rewrite_target(site):
    assert site.echo("/api/one?two")["path"] == "/one?two"
    assert site.status("/other") == 404


@case(path="/v[0-9]+", use_regex="true")
def use_regex(site):
    assert (site.status("/v12"), site.status("/vx")) == (200, 404)


@case(app_root="/start")
def app_root(site):
    assert site.get("/").status == 302
    assert site.get("/").headers["Location"].endswith("/start")
    assert site.status("/start") == 200


@case(server_alias=f"alias.{DOMAIN}")
def server_alias(site):
    assert site.echo(host=f"alias.{DOMAIN}")["headers"]["host"] == f"alias.{DOMAIN}"


@case(upstream_vhost="inner.example")
def upstream_vhost(site):
    assert site.echo()["headers"]["host"] == "inner.example"


@case(x_forwarded_prefix="/shop")
def x_forwarded_prefix(site):
    assert site.echo()["headers"]["x-forwarded-prefix"] == "/shop"


@case(custom_headers="team")
def custom_headers(site):
    assert site.get().headers["X-Team"] == "blue"


@case(tls=True)
def hsts_as_it_is(site):
    assert site.get().headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"


@case(tls=True, hsts="false")
def hsts(site):
    assert site.get().headers["Strict-Transport-Security"] is None


@case(tls=True, hsts_max_age="60", hsts_include_subdomains="false", hsts_preload="true")
def hsts_max_age(site):
    assert site.get().headers["Strict-Transport-Security"] == "max-age=60; preload"


@case(custom_http_errors="404", default_backend="clerk:http")
def custom_http_errors(site):
    page = site.echo("/status/404/page")
    assert page["pod"].startswith("clerk-")
    told = ("x-code", "x-namespace", "x-ingress-name", "x-service-name", "x-original-uri")
    assert [page["headers"][name] for name in told] == [
        "404", "jobs", "custom-http-errors", "echo", "/status/404/page"]
    assert page["headers"]["x-service-port"]
    assert site.status("/status/503/mine") == 503


@case(service="empty", default_backend="clerk:http")
def default_backend(site):
    page = site.echo()
    assert (page["pod"].startswith("clerk-"), page["headers"]["x-code"]) == (True, "503")


@case()
def websocket(site):
    connection = NamedConnection(site.address, HTTPS, site.host, 10)
    connection.connect()
    with connection.sock as sock:
        sock.sendall(f"GET / HTTP/1.1\r\nHost: {site.host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                     "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode())
        stream = sock.makefile("rb")
        assert b" 101 " in stream.readline()
        while stream.readline() != b"\r\n":
            pass
        for text in (b"one", b"two"):
            sock.sendall(text)
            assert stream.read(3) == text


# Redirects.
@case(tls=True)
def ssl_redirect_as_it_is(site):
    assert site.location("/a?b") == (308, f"https://{site.host}/a?b")


@case(tls=True, ssl_redirect="false")
def ssl_redirect(site):
    assert site.status(port=HTTP) == 200


@case(force_ssl_redirect="true")
def force_ssl_redirect(site):
    assert site.location("/a") == (308, f"https://{site.host}/a")


@case(permanent_redirect="https://new.example/there")
def permanent_redirect(site):
    assert site.location("/a") == (301, "https://new.example/there")


@case(permanent_redirect="https://new.example/there", permanent_redirect_code="308")
def permanent_redirect_code(site):
    assert site.location("/a")[0] == 308


@case(temporal_redirect="https://new.example/there")
def temporal_redirect(site):
    assert site.location("/a") == (302, "https://new.example/there")


@case(temporal_redirect="https://new.example/there", temporal_redirect_code="307")
def temporal_redirect_code(site):
    assert site.location("/a")[0] == 307


@case(from_to_www_redirect="true")
def from_to_www_redirect(site):
    status, to = site.location("/a", host=f"www.{site.host}")
    assert (status, to.split("://")[1]) == (308, f"{site.host}/a")


# Canaries: the app answers /hello with its own text, everybody else echoes.
def is_canary(site, **headers):
    return site.get("/hello", headers={name.replace("_", "-"): value for name, value in headers.items()}
                    ).body == b"Hello there"


@case()
def canary_by_header(site):
    assert [is_canary(site), is_canary(site, x_new="always"), is_canary(site, x_new="never")] == [False, True, False]


canary_of("canary-by-header", canary_by_header="X-New")


@case()
def canary_by_header_value(site):
    assert [is_canary(site, x_new="blue"), is_canary(site, x_new="always")] == [True, False]


canary_of("canary-by-header-value", canary_by_header="X-New", canary_by_header_value="blue")


@case()
def canary_by_header_pattern(site):
    assert [is_canary(site, x_new="v12"), is_canary(site, x_new="w")] == [True, False]


canary_of("canary-by-header-pattern", canary_by_header="X-New", canary_by_header_pattern="v[0-9]+")


@case()
def canary_by_cookie(site):
    assert [is_canary(site), is_canary(site, cookie="a=b; new=always"), is_canary(site, cookie="new=never")] == [
        False, True, False]


canary_of("canary-by-cookie", canary_by_cookie="new")


@case()
def canary_weight(site):
    assert {answer.body == b"Hello there" for answer in site.several(30, "/hello")} == {True, False}


canary_of("canary-weight", canary_weight="50")


@case()
def canary_weight_total(site):
    assert {answer.body for answer in site.several(20, "/hello")} == {b"Hello there"}


canary_of("canary-weight-total", canary_weight="7", canary_weight_total="7")


# Who may ask.
@case(whitelist_source_range=NOBODY)
def whitelist_source_range(site):
    assert site.status() == 403


@case(allowlist_source_range=f"{NOBODY}, 10.244.0.0/16")
def allowlist_source_range(site):
    assert site.status() == 200


@case(denylist_source_range="10.244.0.0/16", whitelist_source_range="0.0.0.0/0")
def denylist_source_range(site):
    assert site.status() == 403


@case(token_auth_upstream="judge:http", token_auth_path="/user/once")
def token_auth_path(site):
    assert site.status() == 401
    assert [each.status for each in site.several(3, headers=GOOD)] == [200, 200, 200]
    assert site.seen("POST /user/once ", "judge") == 1


@case(token_auth_upstream="judge:http", token_auth_path="/user/always", token_auth_allow_ttl="0s")
def token_auth_allow_ttl(site):
    assert [each.status for each in site.several(3, headers=GOOD)] == [200, 200, 200]
    assert site.seen("POST /user/always ", "judge") == 3


@case(token_auth_upstream="judge:http", token_auth_path="/status/401/always", token_auth_deny_ttl="0s")
def token_auth_deny_ttl(site):
    assert [each.status for each in site.several(3, headers=GOOD)] == [401, 401, 401]
    assert site.seen("POST /status/401/always ", "judge") == 3


@case(token_auth_upstream="judge:http", token_auth_path="/wait/5", token_auth_timeout="200ms")
def token_auth_timeout(site):
    assert site.status(headers=GOOD, timeout=4) == 503


@case(token_auth_upstream="judge:http", token_auth_realm="the shop")
def token_auth_realm(site):
    assert 'realm="the shop"' in site.get().headers["WWW-Authenticate"]


@case(auth_type="basic", auth_secret="users")
def auth_type(site):
    assert site.get().headers["WWW-Authenticate"].startswith("Basic ")
    assert (site.status(), site.status(headers=site.as_user("ann", "wrong"))) == (401, 401)
    assert "authorization" not in site.echo(headers=site.as_user("ann"))["headers"]


@case(auth_type="basic", auth_secret="users-that-change")
def auth_secret(site):
    assert site.status(headers=site.as_user("ann")) == 200
    changed = {"stringData": {"auth": "bob:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g="}}
    site.gateway.kubectl("patch", "secret", "users-that-change", "-n", "jobs", "-p", json.dumps(changed))
    wait_until(lambda: site.status(headers=site.as_user("bob")) == 200, 10, "the other user")
    assert site.status(headers=site.as_user("ann")) == 401


@case(auth_type="basic", auth_secret="users", auth_secret_type="auth-file", auth_realm="the shop")
def auth_realm(site):
    assert 'realm="the shop"' in site.get().headers["WWW-Authenticate"]


def ended(site, client, **options):
    """Whether the handshake was ended for the client's certificate."""
    try:
        site.showing(client, **options)
    except (ssl.SSLError, ConnectionError):
        return True
    return False


@case(auth_tls_secret="authority")
def auth_tls_secret(site):
    assert (site.status(), site.status(port=HTTP)) == (403, 403)
    seen = json.loads(site.showing("member").body)["headers"]
    assert (seen["ssl-client-verify"], seen["ssl-client-subject-dn"]) == ("SUCCESS", "CN=member")
    assert ended(site, "stranger")
    # On a connection that was opened for another host, and for one whose clients are not asked.
    for name in (f"auth-tls-verify-client.{DOMAIN}", f"upstream-vhost.{DOMAIN}"):
        assert site.showing("member", name=name).status == 421


@case(auth_tls_secret="authority", auth_tls_verify_client="optional")
def auth_tls_verify_client(site):
    forged = {"ssl-client-verify": "SUCCESS", "ssl-client-cert": "mine"}
    seen = site.echo(headers=forged)["headers"]
    assert (seen["ssl-client-verify"], "ssl-client-cert" in seen) == ("NONE", False)
    assert json.loads(site.showing("member").body)["headers"]["ssl-client-verify"] == "SUCCESS"
    assert ended(site, "stranger")


@case(auth_tls_secret="authority", auth_tls_verify_depth="0")
def auth_tls_verify_depth(site):
    assert site.showing("member").status == 200
    assert ended(site, "far-member")
    assert site.showing("far-member", host=f"auth-tls-secret.{DOMAIN}").status == 200  # 1 as it is


@case(auth_tls_secret="authority", auth_tls_pass_certificate_to_upstream="true")
def auth_tls_pass_certificate_to_upstream(site):
    shown = json.loads(site.showing("member").body)["headers"]["ssl-client-cert"]
    assert urllib.parse.unquote(shown) in site.shown["member"].read_text()


# External authentication.
@case(auth_url=f"{CLERK}/user/fine?from=$escaped_request_uri")
def auth_url(site):
    assert site.status("/a?b") == 200
    assert site.seen("GET /user/fine?from=%2Fa%3Fb ", "clerk") == 1


@case(auth_url=f"{CLERK}/status/401/nobody")
def auth_url_that_says_no(site):
    assert site.status() == 401


@case(auth_url=f"{CLERK}/status/500/broken")
def auth_url_that_is_broken(site):
    assert site.status() == 503


@case(auth_url=f"{CLERK}/status/401/signin", auth_signin="https://$host/start")
def auth_signin(site):
    status, to = site.location("/a?b", HTTPS)
    assert (status, to) == (302, f"https://{site.host}/start?rd=https%3A%2F%2F{site.host}%2Fa%3Fb")


@case(auth_url=f"{CLERK}/status/401/signin", auth_signin="https://login.example/start",
      auth_signin_redirect_param="back")
def auth_signin_redirect_param(site):
    assert site.location("/", HTTPS)[1].startswith("https://login.example/start?back=https%3A%2F%2F")


@case(auth_url=f"{CLERK}/user/headers", auth_response_headers="X-Pod")
def auth_response_headers(site):
    assert site.echo(headers={"X-Pod": "mine"})["headers"]["x-pod"].startswith("clerk-")


@case(auth_url=f"{CLERK}/user/method", auth_method="POST")
def auth_method(site):
    assert site.status() == 200
    assert site.seen("POST /user/method ", "clerk") == 1


@case(auth_url=f"{CLERK}/user/cached", auth_cache_key="$http_x_user")
def auth_cache_key(site):
    assert [each.status for each in site.several(3, headers={"X-User": "one"})] == [200, 200, 200]
    assert site.seen("GET /user/cached ", "clerk") == 1


@case(auth_url=f"{CLERK}/user/forgotten", auth_cache_key="$http_x_user", auth_cache_duration="200 202 0s")
def auth_cache_duration(site):
    assert [each.status for each in site.several(3, headers={"X-User": "one"})] == [200, 200, 200]
    assert site.seen("GET /user/forgotten ", "clerk") == 3


# CORS.
@case(enable_cors="true")
def enable_cors(site):
    answer = site.preflight()
    assert (answer.status, answer.headers["Access-Control-Allow-Origin"]) == (204, "*")
    assert answer.headers["Access-Control-Allow-Credentials"] is None
    assert site.get(headers=ORIGIN).headers["Access-Control-Allow-Origin"] == "*"


@case(enable_cors="true", cors_allow_origin="https://pages.example, https://*.other.example")
def cors_allow_origin(site):
    for origin, allowed in (("https://pages.example", True), ("https://a.other.example", True),
                            ("https://evil.example", False)):
        shown = site.get(headers={"Origin": origin}).headers["Access-Control-Allow-Origin"]
        assert shown == (origin if allowed else None)
    assert site.get(headers=ORIGIN).headers["Access-Control-Allow-Credentials"] == "true"


@case(enable_cors="true", cors_allow_methods="GET, PUT")
def cors_allow_methods(site):
    assert site.preflight().headers["Access-Control-Allow-Methods"] == "GET, PUT"


@case(enable_cors="true", cors_allow_headers="X-One, X-Two")
def cors_allow_headers(site):
    assert site.preflight().headers["Access-Control-Allow-Headers"] == "X-One, X-Two"


@case(enable_cors="true", cors_expose_headers="X-Pod")
def cors_expose_headers(site):
    assert site.get(headers=ORIGIN).headers["Access-Control-Expose-Headers"] == "X-Pod"


@case(enable_cors="true", cors_allow_origin="https://pages.example", cors_allow_credentials="false")
def cors_allow_credentials(site):
    assert site.get(headers=ORIGIN).headers["Access-Control-Allow-Credentials"] is None


@case(enable_cors="true", cors_max_age="77")
def cors_max_age(site):
    assert site.preflight().headers["Access-Control-Max-Age"] == "77"


# Limits.
@case(limit_rps="1", limit_burst_multiplier="2")
def limit_rps(site):
    answers = site.several(6)
    assert [each.status for each in answers[:2]] == [200, 200]
    assert answers[-1].status == 429 and answers[-1].headers["Retry-After"]


@case(limit_rpm="1")
def limit_rpm(site):
    assert [each.status for each in site.several(6)] == [200] * 5 + [429]


@case(limit_rpm="1", limit_burst="3")
def limit_burst(site):
    assert [each.status for each in site.several(4)] == [200] * 3 + [429]


@case(limit_rpm="1", limit_burst="1", limit_by="token", token_auth_upstream="judge:http",
      token_auth_path="/user/somebody")
def limit_by(site):
    assert [each.status for each in site.several(2, headers=GOOD)] == [200, 429]
    assert site.status(headers={"Authorization": "another"}) == 200


@case(limit_rpm="1", limit_burst="1", limit_whitelist=f"{NOBODY}, 10.244.0.0/16")
def limit_whitelist(site):
    assert [each.status for each in site.several(4)] == [200] * 4


@case(limit_connections="1")
def limit_connections(site):
    statuses = []
    threads = [threading.Thread(target=lambda: statuses.append(site.status("/wait/1"))) for _ in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(statuses) == [200, 429]
    assert site.status() == 200


@case(proxy_body_size="8")
def proxy_body_size(site):
    assert site.echo(method="POST", body=b"x" * 8)["size"] == 8
    assert site.status(method="POST", body=b"x" * 9) == 413


# Proxying.
@case(service="nobody", proxy_connect_timeout="100ms")
def proxy_connect_timeout(site):
    assert site.status(timeout=2) in (503, 504)  # sooner than the network gives the address up


@case(proxy_read_timeout="1")
def proxy_read_timeout(site):
    assert site.status("/wait/5", timeout=4) == 504


@case()
def proxy_next_upstream_as_it_is(site):
    assert site.status("/status/503/once") == 503
    assert site.seen("GET /status/503/once ") == 1


@case(proxy_next_upstream="error timeout http_503")
def proxy_next_upstream(site):
    assert site.status("/status/503/again") == 503
    assert site.seen("GET /status/503/again ") > 1


@case(proxy_next_upstream="error http_503", proxy_next_upstream_tries="1")
def proxy_next_upstream_tries(site):
    assert site.status("/status/503/tries") == 503
    assert site.seen("GET /status/503/tries ") == 1


# Upstreams.
@case(load_balance="round_robin")
def load_balance(site):
    pods = [json.loads(each.body)["pod"] for each in site.several(6)]
    assert pods[0] != pods[1] and pods == pods[:2] * 3


@case(upstream_hash_by="$http_x_user")
def upstream_hash_by(site):
    for user in ("one", "two", "three"):
        assert len({site.echo(headers={"X-User": user})["pod"] for _ in range(8)}) == 1


def cookie_of(site):
    """Name and value, and the attributes behind them."""
    return site.get().headers["Set-Cookie"].split("; ", 1)


@case(affinity="cookie")
def affinity(site):
    first = site.get()
    name, value = first.headers["Set-Cookie"].split("; ")[0].split("=")
    assert name == "INGRESSCOOKIE"
    pods = {json.loads(each.body)["pod"] for each in site.several(8, headers={"Cookie": f"{name}={value}"})}
    assert pods == {json.loads(first.body)["pod"]}


@case(affinity="cookie", session_cookie_name="place")
def session_cookie_name(site):
    assert cookie_of(site)[0].startswith("place=")


@case(affinity="cookie", session_cookie_path="/shop")
def session_cookie_path(site):
    assert "Path=/shop" in cookie_of(site)[1]


@case(affinity="cookie", session_cookie_domain="notes.example.com")
def session_cookie_domain(site):
    assert "Domain=notes.example.com" in cookie_of(site)[1]


@case(affinity="cookie", session_cookie_max_age="60")
def session_cookie_max_age(site):
    assert "Max-Age=60" in cookie_of(site)[1]


@case(affinity="cookie", session_cookie_expires="90")
def session_cookie_expires(site):
    assert "Max-Age=90" in cookie_of(site)[1]


@case(affinity="cookie", session_cookie_samesite="Strict")
def session_cookie_samesite(site):
    assert "SameSite=Strict" in cookie_of(site)[1]


@case(affinity="cookie", session_cookie_secure="false")
def session_cookie_secure(site):
    assert "Secure" not in cookie_of(site)[1]


@case(port="https", backend_protocol="HTTPS", proxy_ssl_verify="off")
def backend_protocol(site):
    assert site.echo("/a")["path"] == "/a"


@case(port="https", backend_protocol="HTTPS")
def proxy_ssl_verify(site):
    assert site.status() in (502, 503)  # who signed its certificate is not known


@case(port="https", backend_protocol="HTTPS", proxy_ssl_secret="endpoints", proxy_ssl_name=f"a.{DOMAIN}")
def proxy_ssl_secret(site):
    assert site.echo("/a")["path"] == "/a"


@case(port="https", backend_protocol="HTTPS", proxy_ssl_secret="endpoints", proxy_ssl_name="another.example")
def proxy_ssl_name(site):
    assert site.status() in (502, 503)  # its certificate has another name


@case(health_check_path="/status/500/sick", health_check_interval="50ms", health_check_unhealthy_after="1")
def health_check_path(site):
    wait_until(lambda: site.status() == 503, 5, "endpoints that are ill")


@case(health_check_path="/health", health_check_host="health.example", health_check_interval="50ms")
def health_check_host(site):
    wait_until(lambda: site.seen("GET /health health.example") > 3, 5, "questions")
    assert site.status() == 200


@pytest.fixture(scope="module", autouse=True)
def sites(gateway, apply_for_all, tmp_path_factory):
    folder = tmp_path_factory.mktemp("notes")
    text, _ = make_secret(folder, "notes-tls", f"*.{DOMAIN}")
    authority = Authority(folder, "authority")
    shown = {"member": authority.issue("member"), "stranger": Authority(folder, "strangers").issue("stranger"),
             "far-member": Authority(folder, "between", authority).issue("far-member")}
    replicas = {"echo": 2, "judge": 1, "clerk": 1}
    servers = "".join(SERVERS.format(name=name, replicas=count) for name, count in replicas.items())
    ingresses = [each.manifest() for each in INGRESSES]
    secrets = [text, authority.secret(), authorities("endpoints", folder / "notes-tls.crt")]
    apply_for_all("\n---\n".join([*secrets, servers, MORE, *ingresses]))
    for name in replicas:
        gateway.kubectl("rollout", "status", f"deployment/{name}", "-n", "jobs", "--timeout=60s", timeout=70)
    wait_until(lambda: Site(gateway, f"upstream-vhost.{DOMAIN}").status() == 200, 10, "the sites")
    return shown


@pytest.mark.parametrize("wanted", [each for each in INGRESSES if each.check], ids=lambda each: each.name)
def test_an_annotation_does_what_it_says(gateway, sites, wanted):
    wanted.check(Site(gateway, wanted.host, sites))


def test_none_of_them_gets_a_warning(gateway):
    warnings = {each["regarding"]["name"]: each["note"] for each in gateway.api.list("Event", "jobs")
                if each["type"] == "Warning" and each["regarding"].get("kind") == "Ingress"}
    assert not {each.name: warnings[each.name] for each in INGRESSES if each.name in warnings}
