"""What tools/rollout decides, with a cluster that is a file and a gateway that says what the test wants. On a real
control plane and under load: tests/kubernetes/delivery_test.py."""
import http.server
import json
import os
import pathlib
import ssl
import subprocess
import threading
import urllib.parse

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
OLD, NEW = (f"r.example/app-a@sha256:{letter * 64}" for letter in "0a")
KUBECTL = r'''#!/usr/bin/env python3
"""Objects by kind and name in a file; every Deployment is ready at once, but the one that is named."""
import json, os, signal, socket, sys, threading
path = os.environ["CLUSTER"]
cluster = json.load(open(path))
words = [each for each in sys.argv[1:] if not each.startswith("-")][1:]  # the first is the namespace
flags = [each for each in sys.argv[1:] if each.startswith("-")]
print(*sys.argv[3:], file=open(path + ".told", "a"))
def labelled(item):
    wanted = [each.split("=", 1)[1] for each in flags if each.startswith("--selector=")]
    if not wanted:
        return True
    key, _, value = wanted[0].partition("=")
    has = item["metadata"].get("labels", {}).get(key.rstrip("!"))
    return has != value if key.endswith("!") else has == value
def key(kind, name):
    return kind.lower() + "/" + name
verb = words[0]
if verb == os.environ.get("HANGS"):
    signal.pause()
if verb == "get" and len(words) == 3:
    if key(*words[1:]) in cluster:
        print(json.dumps(cluster[key(*words[1:])]))
elif verb == "get":
    print(json.dumps({"items": [item for name, item in cluster.items()
                                if name.startswith(words[1] + "/") and labelled(item)]}))
elif verb == "port-forward":  # as of a replica that goes after some connections
    listener = socket.create_server(("127.0.0.1", 0))
    print(f"Forwarding from 127.0.0.1:{listener.getsockname()[1]} -> 9903", flush=True)
    def carry(source, target):
        while text := source.recv(65536):
            target.sendall(text)
        target.shutdown(socket.SHUT_WR)
    for _ in range(3):
        near, far = listener.accept()[0], socket.create_connection(("127.0.0.1", int(os.environ["GATEWAY_PORT"])))
        back = threading.Thread(target=carry, args=(far, near))
        back.start()
        carry(near, far)
        back.join()
    os._exit(1)
elif verb == "apply":
    for item in json.load(sys.stdin)["items"]:
        cluster[key(item["kind"], item["metadata"]["name"])] = item
elif verb == "delete":
    for name in list(cluster):
        if name.split("/")[0] in words[1].split(",") and labelled(cluster[name]):
            del cluster[name]
elif verb == "scale":
    cluster[words[1]]["spec"]["replicas"] = int(flags[-1].split("=")[1])
elif verb == "patch":
    new = json.loads(words[-1])["spec"]["template"]["spec"]["containers"][0]["image"]
    item = cluster[key(*words[1:3])]
    item["before"] = item["spec"]["template"]["spec"]["containers"][0]["image"]
    item["spec"]["template"]["spec"]["containers"][0]["image"] = new
elif verb == "rollout" and words[1] == "undo":
    cluster[words[2]]["spec"]["template"]["spec"]["containers"][0]["image"] = cluster[words[2]].pop("before")
elif verb == "rollout":
    if os.environ.get("NEVER_READY") == words[2]:
        sys.exit("error: timed out waiting for the condition")
json.dump(cluster, open(path, "w"))
'''


def labels(name):
    return {"app.kubernetes.io/name": name}


def start_objects():
    template = {"metadata": {"labels": labels("app-a")}, "spec": {"containers": [{"name": "app-a", "image": OLD}]}}
    backend = {"service": {"name": "app-a", "port": {"name": "http"}}}
    other = {"service": {"name": "other", "port": {"name": "http"}}}
    made = [
        ("apps/v1", "Deployment", "app-a", {"replicas": 10, "selector": {"matchLabels": labels("app-a")},
                                            "template": template}),
        ("v1", "Service", "app-a", {"clusterIP": "10.0.0.1", "selector": labels("app-a"),
                                    "ports": [{"name": "http", "port": 80, "targetPort": "http"}]}),
        ("networking.k8s.io/v1", "NetworkPolicy", "app-a", {"podSelector": {"matchLabels": labels("app-a")}}),
        ("networking.k8s.io/v1", "NetworkPolicy", "default-deny", {"podSelector": {}}),
        ("networking.k8s.io/v1", "Ingress", "jobs", {"ingressClassName": "gateway", "rules": [
            {"host": "jobs.example.com", "http": {"paths": [{"path": "/jobs", "backend": backend},
                                                            {"path": "/other", "backend": other}]}}]}),
        ("networking.k8s.io/v1", "Ingress", "other", {"rules": [{"http": {"paths": [{"backend": other}]}}]}),
    ]
    return {f"{kind.lower()}/{name}": {"apiVersion": version, "kind": kind, "metadata": {"name": name}, "spec": spec}
            for version, kind, name, spec in made}


class Server(http.server.ThreadingHTTPServer):
    """`says` is a function from the weight and the number of the question to requests and failures per second."""

    def __init__(self, weight):
        super().__init__(("127.0.0.1", 0), Gateway)
        self.asked, self.weight, self.says = [], weight, None


class Gateway(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self):
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)["query"][0]
        server = self.server
        server.asked.append(query)
        answer = server.says(server.weight(), len(server.asked))
        if self.headers["Authorization"] != "Bearer token":
            return self.answer(401, {})
        if answer is None:
            return self.answer(422, {"error": "no route or upstream is selected"})
        if answer == "blind":
            return self.answer(503, {"error": "only 0 of 2 other replicas answer"})
        value = answer[1 if "failures" in query else 0]
        return self.answer(200, {"data": {"result": [{"value": [0, str(value)]}]}})

    def answer(self, status, body):
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *_):
        pass


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


class World:
    def __init__(self, folder):
        self.folder, self.file = folder, folder / "cluster"
        (folder / "bin").mkdir()
        (folder / "bin/kubectl").write_text(KUBECTL)
        (folder / "bin/kubectl").chmod(0o755)
        (folder / "token").write_text("token\n")
        self.file.write_text(json.dumps(start_objects()))
        self.server = Server(self.weight)
        self.weights = []

    def objects(self):
        return json.loads(self.file.read_text())

    def image(self):
        return self.objects()["deployment/app-a"]["spec"]["template"]["spec"]["containers"][0]["image"]

    def weight(self):
        try:
            found = self.objects().get("ingress/jobs-canary", {"metadata": {"annotations": {}}})
        except ValueError:  # it is being written
            return self.weights[-1]
        weight = int(found["metadata"]["annotations"].get("nginx.ingress.kubernetes.io/canary-weight", "0"))
        if [weight] != self.weights[-1:]:
            self.weights.append(weight)
        return weight

    def show(self, name):
        """A certificate for this name, from now on; returns it."""
        key, certificate = self.folder / "tls.key", self.folder / "tls.crt"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-days", "2", "-subj", "/CN=replica", "-addext", f"subjectAltName=DNS:{name}", "-keyout", key,
                        "-out", certificate], check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        return certificate

    def run(self, *arguments, says=lambda weight, _: (2, 0), query=None, **environment):
        self.server.says = says
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        port = str(self.server.server_port)
        try:
            return subprocess.run(
                [ROOT / "tools/rollout", *([f"--query=http://127.0.0.1:{port}"] if query is None else query),
                 f"--token-file={self.folder}/token", "--hold=0", "--deadline=100", "prod", *arguments],
                capture_output=True, text=True, timeout=300, check=False, env={**os.environ, "CLUSTER": str(self.file), "GATEWAY_PORT": port,
                                               "PATH": f"{self.folder}/bin:{os.environ['PATH']}", **environment})
        finally:
            self.server.shutdown()


def busy(weight, _):
    return (weight / 5, 0)


def test_steps_and_the_objects_of_a_canary(world):
    seen = {}

    def says(weight, _):
        if weight:
            seen[weight] = world.objects()
        return busy(weight, _)

    done = world.run(NEW, says=says)
    assert done.returncode == 0, done.stderr
    assert list(seen) == [5, 25, 100]
    assert [seen[each]["deployment/app-a-canary"]["spec"]["replicas"] for each in seen] == [1, 3, 10]
    canary = seen[5]["deployment/app-a-canary"]["spec"]
    assert canary["selector"]["matchLabels"] == labels("app-a-canary")
    assert canary["template"]["spec"]["containers"][0]["image"] == NEW
    service = seen[5]["service/app-a-canary-aaaaaaaa"]["spec"]
    assert "clusterIP" not in service and service["selector"] == labels("app-a-canary")
    assert seen[5]["networkpolicy/app-a-canary"]["spec"]["podSelector"]["matchLabels"] == labels("app-a-canary")
    assert "networkpolicy/default-deny-canary" not in seen[5] and "ingress/other-canary" not in seen[5]
    rules = seen[5]["ingress/jobs-canary"]["spec"]["rules"]
    assert [path["path"] for path in rules[0]["http"]["paths"]] == ["/jobs"], "what leads elsewhere stays"
    assert rules[0]["http"]["paths"][0]["backend"]["service"]["name"] == "app-a-canary-aaaaaaaa"
    assert world.image() == NEW and set(world.objects()) == set(start_objects())
    assert r'upstream=~"jobs/app-a-canary-aaaaaaaa:.*"' in world.server.asked[-1]


def test_failures_take_it_back(world):
    done = world.run(NEW, says=lambda weight, _: (weight / 5, weight / 50 if weight == 25 else 0))
    assert done.returncode == 1 and "30 of 300 requests failed at 25 %" in done.stderr, done.stderr
    assert 100 not in world.weights
    assert world.objects() == start_objects()


def test_few_failures_are_none(world):
    done = world.run(NEW, says=lambda weight, _: (weight / 5, 4 / 60 if weight else 0))
    assert done.returncode == 0, done.stderr
    done = world.run(OLD, "--failures=4", says=lambda weight, _: (weight / 5, 4 / 60 if weight else 0))
    assert done.returncode == 1 and "4 of 60 requests failed at 5 %" in done.stderr, done.stderr


def test_a_digest_alone_is_of_the_present_repository(world):
    assert world.run(NEW.split("@")[1], says=busy).returncode == 0
    assert world.image() == NEW


def test_pods_that_do_not_become_ready_are_taken_back(world):
    done = world.run(NEW, says=busy, NEVER_READY="deployment/app-a-canary")
    assert done.returncode == 1 and "timed out" in done.stderr
    assert world.objects() == start_objects()


def test_taking_it_back_has_an_end_too(world):
    done = world.run(NEW, "--clear=3", says=busy, NEVER_READY="deployment/app-a-canary", HANGS="delete")
    assert done.returncode == 1 and "kubectl delete ingress" in done.stderr, done.stderr
    assert "tools/rollout prod --app app-a --abort" in done.stderr
    assert world.run("--abort").returncode == 0 and world.objects() == start_objects()


def test_a_command_that_hangs_ends_with_the_deadline(world):
    done = world.run(NEW, "--deadline=5", says=busy, HANGS="scale")
    assert done.returncode == 1 and "kubectl scale" in done.stderr, done.stderr
    assert world.objects() == start_objects()


def test_an_application_that_does_not_become_ready_is_taken_back(world):
    done = world.run(NEW, says=busy, NEVER_READY="deployment/app-a")
    assert done.returncode == 1 and "promoted" in done.stdout
    assert "rollout undo deployment/app-a" in (world.folder / "cluster.told").read_text()
    assert world.image() == OLD and set(world.objects()) == set(start_objects())


@pytest.mark.parametrize("says, why", [
    (lambda weight, _: (0.1, 0), "no 50 requests in a minute came to judge by, only 6"),
    (lambda weight, _: (9, 0) if weight == 0 else (9, 0), "calls of an earlier canary were not forgotten"),
])
def test_what_cannot_be_judged_in_time_is_taken_back(world, says, why):
    if "earlier" not in why:
        begun = says
        says = lambda weight, number: begun(weight, number) if weight else (0, 0)  # noqa: E731
    done = world.run(NEW, "--deadline=20", says=says)
    assert done.returncode == 1 and why in done.stderr, done.stderr
    assert world.objects() == start_objects()


def test_who_may_not_read_changes_nothing(world):
    (world.folder / "token").write_text("wrong")
    done = world.run(NEW)
    assert done.returncode == 1 and "401" in done.stderr
    assert world.objects() == start_objects()
    assert "apply" not in (world.folder / "cluster.told").read_text()


@pytest.mark.parametrize("name, believed", [("gateway-peers.gateway.svc", True), ("gateway-peers.other.svc", False)])
def test_who_tells_the_numbers_must_have_the_name_of_the_service(world, name, believed):
    authority = world.show(name)
    query = [f"--query=https://127.0.0.1:{world.server.server_port}", f"--query-ca={authority}"]
    done = world.run(NEW, says=busy, query=query)
    assert (done.returncode == 0) is believed, done.stderr
    assert (world.image() == NEW) is believed
    assert believed or "certificate is not valid for 'gateway-peers.gateway.svc'" in done.stderr
    assert world.run(OLD, says=busy, query=[*query, f"--query-name={name}"]).returncode == 0


@pytest.mark.parametrize("checked", [False, True])
def test_a_tunnel_that_breaks_is_made_again(world, checked):
    authority = world.show("gateway-peers.gateway.svc")
    done = world.run(NEW, says=busy, query=[f"--query-ca={authority}"] if checked else [])
    assert done.returncode == 0 and world.image() == NEW, done.stderr
    told = (world.folder / "cluster.told").read_text().splitlines()
    assert len([line for line in told if "port-forward" in line]) > 1


def test_an_upstream_that_nobody_asked_has_no_calls(world):
    done = world.run(NEW, says=lambda weight, number: busy(weight, number) if weight else None)
    assert done.returncode == 0, done.stderr


def test_a_moment_without_numbers_is_no_verdict(world):
    blind = []

    def says(weight, number):
        if weight == 25 and len(blind) < 2:
            blind.append(number)
            return "blind"
        return busy(weight, number)

    done = world.run(NEW, says=says)
    assert done.returncode == 0 and "no number for now: 503" in done.stdout, done.stderr


def test_what_an_interrupted_run_left_is_taken_away(world):
    objects = start_objects()
    owner = {"gateway.ingress/rollout": "app-a"}
    for name in ("deployment/app-a-canary", "ingress/jobs-canary", "service/app-a-canary-bbbbbbbb"):
        objects[name] = {"kind": "x", "metadata": {"name": name, "labels": owner, "annotations": {}}, "spec": {}}
    world.file.write_text(json.dumps(objects))
    done = world.run("--abort")
    assert done.returncode == 0, done.stderr
    assert world.objects() == start_objects()


@pytest.mark.parametrize("arguments, why", [
    (("app-a:0.1.0",), "no digest"), ((NEW, "--app=app-b"), "no Deployment and Service app-b"),
    ((NEW, "--steps=5,25"), "end with 100"), ((), "image by digest")])
def test_a_wrong_question_is_answered_in_a_sentence(world, arguments, why):
    done = world.run(*arguments)
    assert done.returncode != 0 and why in done.stderr, done.stderr
    assert world.objects() == start_objects()
