"""Each image alone: what is in it, and that it runs with nothing but itself."""
import json
import os
import re
import shutil
import subprocess
import uuid

import pytest

from harness.engine import (DOCKER, HARDENED, IMAGES, PROGRAM, ROOT, WORK, Container, inside, inspect, podman,
                            wait_until)

# What each needs to run without the others.
ALONE = {
    "app-a": (), "app-b": ("--database", "/tmp/app_b.sqlite"), "hello-front": (), "hello-back": (),
    "visitors": ("--development", "--database", "/tmp/visitors.sqlite"),
}
SILENT = ("127.0.0.1", "127.0.0.2", "127.0.0.3")
GATEWAY = """\
version: 1
process: {drain: {delay: 0s}}
status: {address: ":9902"}
listeners: [{name: http, address: ":8080"}]
routes: [{name: all, respond: {status: 204}}]
"""


@pytest.fixture
def container(tmp_path):
    """Starts an image as docs/docker.md says it may be: read-only, no capabilities, no network."""
    name = f"alone-{uuid.uuid4().hex[:8]}"

    def start(image, *options, arguments=()):
        tmp_path.chmod(0o755)
        if image == "gateway":
            (tmp_path / "gateway.yaml").write_text(GATEWAY)
            options += ("--volume", f"{tmp_path}:/etc/gateway:ro")
        podman("run", "--detach", "--name", name, "--network=none", "--tmpfs", "/tmp", *HARDENED, *options,
               f"localhost/{image}:dev", *(arguments or ALONE.get(image, ())))
        return name

    yield start
    podman("rm", "--force", "--time", "0", name, check=False)


@pytest.fixture
def nobody_answers():
    """Takes what a container asks its name servers, and returns when there is a question."""
    taking = []

    def start(name):
        listen = f"""if True:
            import select, socket, sys
            taken = [socket.socket(type=socket.SOCK_DGRAM) for _ in {SILENT}]
            for one, address in zip(taken, {SILENT}):
                one.bind((address, 53))
            select.select(taken, [], [])
            print("asked", flush=True)
            sys.stdin.read()"""
        taking.append(Container(name).start_in_its_network("python3", "-c", listen))
        assert taking[0].stdout.readline() == "asked\n"

    yield start
    for each in taking:
        each.communicate()


@pytest.mark.parametrize("image", IMAGES)
def test_runs_hardened_is_well_and_stops_by_itself(image, container):
    name = container(image)
    wait_until(lambda: podman("healthcheck", "run", name, check=False).returncode == 0, f"{image} is well")
    assert set(podman("top", name, "capeff").stdout.splitlines()[1:]) == {"none"}
    podman("stop", "--time", "60", name)
    assert inspect(name, "{{.State.ExitCode}}") != "137", "it was killed"


@pytest.mark.parametrize("image", sorted(PROGRAM))
def test_a_stop_is_no_failure(image, container):
    name = container(image)
    wait_until(lambda: podman("healthcheck", "run", name, check=False).returncode == 0, f"{image} is well")
    podman("stop", "--time", "60", name)
    assert inspect(name, "{{.State.ExitCode}}") == "0", podman("logs", name).stderr


@pytest.mark.parametrize("image", ("app-b", "visitors"))
def test_a_stop_does_not_wait_for_name_servers_that_are_silent(image, container, tmp_path, nobody_answers):
    """Three of them, each asked twice where the database is: half a minute, had the system its way."""
    (tmp_path / "resolv.conf").write_text("".join(f"nameserver {address}\n" for address in SILENT))
    name = container(image, "--volume", f"{tmp_path}/resolv.conf:/etc/resolv.conf:ro",
                     arguments=("--database", "postgres://ann@database.example/ann"))
    nobody_answers(name)
    podman("stop", "--time", "15", name)
    assert inspect(name, "{{.State.ExitCode}}") == "0", podman("logs", name).stderr


@pytest.mark.parametrize("image", sorted(PROGRAM))
def test_a_program_that_is_not_there_is_not_well(image):
    asked = json.loads(inspect(f"localhost/{image}:dev", "{{json .HealthCheck.Test}}"))
    assert asked[:2] == ["CMD", PROGRAM[image]]
    assert podman("run", "--rm", "--network=none", f"localhost/{image}:dev", *asked[2:], check=False).returncode == 1


def labels_of(image):
    labels = json.loads(inspect(image, "{{json .Config.Labels}}"))
    return tuple(labels[f"org.opencontainers.image.{word}"] for word in ("title", "version", "revision"))


@pytest.mark.parametrize("image", IMAGES)
def test_labels_say_what_was_built(image):
    title, version, revision = labels_of(f"localhost/{image}:dev")
    assert title == image
    assert version.startswith((ROOT / "version.txt").read_text().strip())
    assert revision == subprocess.check_output(["git", "rev-parse", "HEAD"], cwd=ROOT, text=True).strip()
    if image in PROGRAM:
        said = podman("run", "--rm", "--network=none", f"localhost/{image}:dev", "--version").stdout.strip()
        assert said == f"{PROGRAM[image]} {version} ({revision[:12]})"


@pytest.mark.parametrize("image", IMAGES)
def test_runs_as_nobody_of_the_host(image):
    assert inspect(f"localhost/{image}:dev", "{{.Config.User}}") == "65532:65532"


@pytest.mark.parametrize("image", IMAGES)
def test_has_no_tools_to_build_or_fetch_with(image):
    wanted = ["g++", "gcc", "make", "cmake", "git", "curl", "wget"] + (["python3"] if image in PROGRAM else [])
    found = inside(image, "sh", "-c", 'for p; do command -v "$p"; done; true', "sh", *wanted).stdout
    assert found == ""


@pytest.mark.parametrize("image", sorted(PROGRAM))
def test_has_the_libraries_that_its_program_needs_and_no_others(image):
    needed = inside(image, "ldd", f"/usr/local/bin/{PROGRAM[image]}").stdout
    assert "not found" not in needed
    files = [re.sub(r"^/(usr/)?", "/usr/", path) for path in re.findall(r"(/\S+) \(0x", needed)]
    owners = inside(image, "sh", "-c", 'for f; do dpkg -S "$(readlink -f "$f")"; done', "sh", *files, check=False).stdout
    owning = {line.split(":")[0] for line in owners.splitlines()}
    text = (DOCKER / f"{image}.Dockerfile").read_text()
    listed = set(re.findall(r"\blib[a-z0-9.+-]+", text.rsplit("FROM ", 1)[1].split("rm -rf")[0]))
    assert listed <= owning, "installed, but not needed"


def compilations(log):
    """Of each image that was built: whether its sources were compiled, or that was done before."""
    steps = re.split(r"^(?=(?:\[\d/\d\] )?STEP )", log, flags=re.MULTILINE)
    return ["Using cache" not in step for step in steps if "cmake --preset" in step.split("\n", 1)[0]]


def test_programs_were_compiled_once():
    compiled = compilations((WORK / "images.log").read_text())
    assert len(compiled) == len(PROGRAM)
    assert sum(compiled) <= 1


def test_another_commit_of_the_same_sources_is_named_and_not_compiled_again(tmp_path):
    """In a folder without a repository, where the pipeline's variables say what it is."""
    for name in (".dockerignore", "CMakeLists.txt", "CMakePresets.json", "version.txt"):
        shutil.copy2(ROOT / name, tmp_path / name)
    for name in ("apps", "cmake", "docker", "gateway", "tools"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("secrets"))
    commit, number = "f" * 40, "123456"
    ended = subprocess.run([tmp_path / "tools/build-images", "app-a", "hello-back"], capture_output=True, text=True,
                           timeout=600, check=False, env={**os.environ, "REGISTRY": "localhost/another/",
                                                          "CI_COMMIT_SHA": commit, "CI_PIPELINE_IID": number})
    assert ended.returncode == 0, ended.stderr[-2000:]
    assert compilations(ended.stdout + ended.stderr) == [False]
    version = f"{(ROOT / 'version.txt').read_text().strip()}+{number}"
    for image in ("app-a", "hello-back"):
        assert labels_of(f"localhost/another/{image}:dev") == (image, version, commit)
    said = podman("run", "--rm", "--network=none", "localhost/another/app-a:dev", "--version").stdout.strip()
    assert said == f"app_a {version} ({commit[:12]})"
    podman("rmi", *(f"localhost/another/{image}:{tag}" for image in ("app-a", "hello-back")
                    for tag in ("dev", version.replace("+", "-"))))


@pytest.mark.parametrize("image", IMAGES)
def test_its_packages_can_be_listed(image, tmp_path):
    subprocess.run([ROOT / "tools/image-sbom", f"localhost/{image}:dev", tmp_path], check=True, capture_output=True,
                   timeout=300, env={**os.environ, "ENGINE": "podman"})
    listed = json.loads((tmp_path / f"{image}.cdx.json").read_text())
    names = {component["name"] for component in listed["components"]}
    assert {"libc6", "python3-psycopg" if image == "hello-back" else "libssl3t64"} <= names
    assert json.loads((tmp_path / f"{image}.spdx.json").read_text())["packages"]
