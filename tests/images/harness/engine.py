"""podman, and docker/compose.yaml by podman-compose, with the storage that tests/images/run made."""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[3]
DOCKER = ROOT / "docker"
WORK = ROOT / "build/images"
IMAGES = tuple(sorted(path.name.removesuffix(".Dockerfile") for path in DOCKER.glob("*.Dockerfile")))
PROGRAM = {"gateway": "gateway", "app-a": "app_a", "app-b": "app_b", "hello-front": "hello", "visitors": "visitors"}
HARDENED = ("--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges")
PROFILES = ("jobs", "hello", "visitors")


def tool(name):
    return subprocess.check_output([ROOT / "tools/install-tool", name], text=True).strip()


def podman(*arguments, check=True, timeout=120, **options):
    ended = subprocess.run(["podman", *arguments], capture_output=True, text=True, timeout=timeout, check=False,
                           **options)
    if check and ended.returncode != 0:
        raise AssertionError(f"podman {' '.join(map(str, arguments))}: {ended.stdout}{ended.stderr}")
    return ended


def inside(image, program, *arguments, **options):
    """Runs another program of an image, without a network."""
    return podman("run", "--rm", "--network=none", f"--entrypoint={program}", f"localhost/{image}:dev", *arguments,
                  **options)


def inspect(container, template):
    return podman("inspect", "--format", template, container).stdout.strip()


def wait_until(condition, what, seconds=120):
    """Polls: the bound is for a machine that is busy, not a time to wait."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError(f"did not happen within {seconds} s: {what}")


class Compose:
    """The folder docker/ as a user has it, in a copy, for its secrets."""

    def __init__(self, folder):
        for name in ("docker", "tools", "apps/hello_back"):
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("secrets"))
        (folder / "docker/secrets").mkdir()
        self.folder = folder / "docker"
        (self.folder / ".env").write_text(f"COMPOSE_PROFILES={','.join(PROFILES)}\nUSER_NAME=Ann\n")
        self._program = tool("podman-compose")

    def run(self, *arguments, check=True, timeout=600, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE):
        ended = subprocess.run([self._program, *arguments], cwd=self.folder, stdin=stdin, stdout=stdout,
                               stderr=subprocess.PIPE, text=True, timeout=timeout, check=False)
        if check and ended.returncode != 0:
            raise AssertionError(f"compose {' '.join(arguments)}: {ended.stdout}{ended.stderr}")
        return ended

    def containers(self):
        listed = json.loads(podman("ps", "--all", "--format", "json").stdout)
        return {each["Names"][0]: each for each in listed}


class Container:
    def __init__(self, name):
        self.name = name

    @property
    def pid(self):
        return int(inspect(self.name, "{{.State.Pid}}"))

    @property
    def addresses(self):
        found = inspect(self.name, "{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}").split()
        assert found, self.name
        return found

    def in_its_network(self, *command, timeout=30):
        """A program of this machine that has nothing but this container's network."""
        return subprocess.run(self._entering(command), capture_output=True, text=True, timeout=timeout, check=False)

    def start_in_its_network(self, *command):
        return subprocess.Popen(self._entering(command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def _entering(self, command):
        return ["nsenter", "--target", str(self.pid), "--net", *command]

    def log(self):
        ended = podman("logs", self.name)
        return ended.stdout + ended.stderr

    def kill(self):
        """As a machine that runs out of memory does; its restart policy brings it back."""
        before = self.pid
        os.kill(before, signal.SIGKILL)
        wait_until(lambda: inspect(self.name, "{{.State.Running}}") == "true" and self.pid not in (0, before),
                   f"{self.name} is started again")


def of_service(name):
    return Container(f"gateway_{name}_1")
