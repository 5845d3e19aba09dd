"""Each image alone: what is in it, and that it runs with nothing but itself."""
import json
import os
import re
import subprocess
import uuid

import pytest

from harness.engine import DOCKER, HARDENED, IMAGES, PROGRAM, ROOT, WORK, inside, inspect, podman, wait_until

# What each needs to run without the others.
ALONE = {
    "app-a": (), "app-b": ("--database", "/tmp/app_b.sqlite"), "hello-front": (), "hello-back": (),
    "visitors": ("--development", "--database", "/tmp/visitors.sqlite"),
}
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

    def start(image):
        more = []
        if image == "gateway":
            (tmp_path / "gateway.yaml").write_text(GATEWAY)
            more = ["--volume", f"{tmp_path}:/etc/gateway:ro"]
            tmp_path.chmod(0o755)
        podman("run", "--detach", "--name", name, "--network=none", "--tmpfs", "/tmp", *HARDENED, *more,
               f"localhost/{image}:dev", *ALONE.get(image, ()))
        return name

    yield start
    podman("rm", "--force", "--time", "0", name, check=False)


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


@pytest.mark.parametrize("image", sorted(PROGRAM))
def test_a_program_that_is_not_there_is_not_well(image):
    asked = json.loads(inspect(f"localhost/{image}:dev", "{{json .HealthCheck.Test}}"))
    assert asked[:2] == ["CMD", PROGRAM[image]]
    assert podman("run", "--rm", "--network=none", f"localhost/{image}:dev", *asked[2:], check=False).returncode == 1


@pytest.mark.parametrize("image", IMAGES)
def test_labels_say_what_was_built(image):
    labels = json.loads(inspect(f"localhost/{image}:dev", "{{json .Config.Labels}}"))
    version, revision = (labels[f"org.opencontainers.image.{word}"] for word in ("version", "revision"))
    assert version.startswith((ROOT / "version.txt").read_text().strip())
    assert revision == subprocess.check_output(["git", "rev-parse", "HEAD"], cwd=ROOT, text=True).strip()
    assert labels["org.opencontainers.image.title"] == image
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


def test_programs_were_compiled_once():
    steps = re.split(r"^(?=STEP )", (WORK / "images.log").read_text(), flags=re.MULTILINE)
    compiled = [step for step in steps if "cmake --build" in step.split("\n", 1)[0]]
    assert len(compiled) == len(PROGRAM)
    assert len([step for step in compiled if "Using cache" not in step]) <= 1


@pytest.mark.parametrize("image", IMAGES)
def test_its_packages_can_be_listed(image, tmp_path):
    subprocess.run([ROOT / "tools/image-sbom", f"localhost/{image}:dev", tmp_path], check=True, capture_output=True,
                   timeout=300, env={**os.environ, "ENGINE": "podman"})
    listed = json.loads((tmp_path / f"{image}.cdx.json").read_text())
    names = {component["name"] for component in listed["components"]}
    assert {"libc6", "python3-psycopg" if image == "hello-back" else "libssl3t64"} <= names
    assert json.loads((tmp_path / f"{image}.spdx.json").read_text())["packages"]
