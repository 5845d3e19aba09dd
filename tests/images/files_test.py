"""What docker/ promises by its text alone."""
import re
import subprocess

import pytest
import yaml

from harness.engine import DOCKER, IMAGES, PROFILES, PROGRAM, ROOT, tool

COMPOSE = yaml.safe_load((DOCKER / "compose.yaml").read_text())
SERVICES = COMPOSE["services"]
VERSION = (ROOT / "version.txt").read_text().strip()
DEBIAN = r"debian:trixie-20\d{6}-slim"


def text_of(image):
    return (DOCKER / f"{image}.Dockerfile").read_text()


def stages(image):
    return re.split(r"^(?=FROM )", text_of(image), flags=re.MULTILINE)


def networks_of(service):
    return set(SERVICES[service].get("networks", ()))


def test_each_service_of_ours_has_an_image():
    assert set(IMAGES) == {"gateway", "app-a", "app-b", "hello-front", "hello-back", "visitors"}


def test_kubernetes_and_compose_run_the_same_images():
    # Of an application only the name is said, in place of `application`; the release is the component's.
    written = {word for path in (ROOT / "k8s").rglob("*.yaml")
               for word in re.findall(r"^[^#\n]*\bimage: ([^\s,}]+)", path.read_text(), re.MULTILINE)}
    named = {word if ":" in word else f"{word}:{VERSION}" for word in written} - {f"application:{VERSION}"}
    assert {name for name in named if not name.startswith("postgres:")} == {f"{image}:{VERSION}" for image in IMAGES}
    assert {f"docker.io/library/{name}" for name in named if name.startswith("postgres:")} == {
        service["image"] for service in SERVICES.values() if "postgres" in service["image"]}


def test_programs_are_compiled_once_for_all_images():
    assert len({"".join(stages(image)[:-1]) for image in PROGRAM}) == 1


def test_bases_are_one_dated_debian_13():
    bases = {base for image in IMAGES for base in re.findall(r"^FROM (\S+)", text_of(image), re.MULTILINE)}
    assert len(bases) == 1 and re.fullmatch(DEBIAN, bases.pop()), bases


@pytest.mark.parametrize("image", IMAGES)
def test_a_linter_finds_nothing(image):
    # Versions of Debian's packages are those of the release, whose old ones a mirror does not keep.
    found = subprocess.run([tool("hadolint"), "--ignore", "DL3008", DOCKER / f"{image}.Dockerfile"],
                           capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout


def test_nothing_but_the_gateway_is_published():
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["gateway"]
    assert sorted(port.rsplit(":", 1)[1] for port in SERVICES["gateway"]["ports"]) == ["8080", "8443"]


def test_every_service_that_stays_is_hardened():
    for name, service in SERVICES.items():
        if name == "prepare":
            assert service["network_mode"] == "none"
            continue
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert not service.get("privileged") and "cap_add" not in service, name
        assert set(service["profiles"]) <= set(PROFILES), name


def test_only_the_gateway_has_a_network_with_a_way_out():
    assert [name for name, network in COMPOSE["networks"].items() if not network.get("internal")] == ["public"]
    assert [name for name in SERVICES if "public" in networks_of(name)] == ["gateway"]


def test_each_network_has_its_own_few():
    members = {network: {name for name in SERVICES if network in networks_of(name)} for network in COMPOSE["networks"]}
    assert members["app-a"] == {"gateway", "app-a"}
    assert members["app-b"] == {"gateway", "app-b"}
    assert members["visitors"] == {"gateway", "visitors"}
    assert members["hello"] == {"gateway", "hello-network"}
    for network in ("app-b-db", "hello-db", "visitors-db"):
        assert "gateway" not in members[network] and "app-a" not in members[network]
    assert not members["app-b-db"] & members["visitors-db"] and not members["app-b-db"] & members["hello-db"]


def test_no_secret_stands_in_an_environment_or_a_command():
    for name, service in SERVICES.items():
        for variable, value in (service.get("environment") or {}).items():
            assert "PASSWORD" not in variable or variable.endswith("_FILE"), name
            assert not re.search(r"://[^/]*:[^/]*@", str(value)), name


def test_whoever_stays_depends_on_nobody_who_may_have_ended():
    """podman does not start a container again while one that it depends on is not running."""
    for name, service in SERVICES.items():
        assert "depends_on" not in service, name
        shared = str(service.get("network_mode", "")).removeprefix("service:")
        assert shared not in SERVICES or SERVICES[shared]["restart"] == "unless-stopped", name


def test_a_build_sees_no_more_than_it_needs():
    kept = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    copied = {word for image in IMAGES for line in re.findall(r"^COPY (?!--from)(.*) \S+$", text_of(image), re.MULTILINE)
              for word in line.split()}
    for path in copied:
        assert any(path == each or path.startswith(f"{each}/") for each in kept), path
    for each in kept:
        assert any(path == each or path.startswith(f"{each}/") for path in copied), each
