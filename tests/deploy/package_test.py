"""The Debian package, put on this machine's system and taken off again, in a root of its own that forgets all of it."""
import os
import pathlib
import re
import subprocess
import tempfile

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("GATEWAY_BIN", ROOT / "build/release/bin")).resolve()
CONFIGURATION = "/etc/gateway/gateway.yaml"
ENVIRONMENT = "/etc/gateway/environment"
AS_GATEWAY = ("setpriv", "--reuid", "gateway", "--regid", "gateway", "--clear-groups", "--")


class System:
    """A copy of this machine's system, on top of it: dpkg's own data and the libraries are there, and nothing that
    happens reaches the machine. Its commands have mounts, processes and a network of their own."""

    ENTER = """
set -e
mount -t overlay overlay -o "lowerdir=/,upperdir=$0/upper,workdir=$0/work" "$0/root"
mount -t proc proc "$0/root/proc"
mount --rbind /dev "$0/root/dev"
mount -t tmpfs tmpfs "$0/root/run"
mkdir -p "$0/root/packages"
mount --bind "$0/packages" "$0/root/packages"
exec chroot "$0/root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 \
  DEBIAN_FRONTEND=noninteractive "$@"
"""

    def __init__(self, folder):
        self.folder = folder
        for name in ("upper", "work", "root", "packages"):
            (folder / name).mkdir()

    def run(self, *command, check=True, text=None):
        ran = subprocess.run(["unshare", "--mount", "--pid", "--net", "--fork", "--kill-child", "--", "sh", "-c",
                              self.ENTER, self.folder, *command], capture_output=True, text=True, input=text,
                             check=False, timeout=300)
        assert not check or ran.returncode == 0, (command, ran.stdout, ran.stderr)
        return ran

    def has(self, path):
        return self.run("test", "-e", path, check=False).returncode == 0

    def read(self, path):
        return self.run("cat", path).stdout

    def write(self, path, text):
        self.run("tee", path, text=text)

    def facts(self, path):
        return self.run("stat", "-c", "%U:%G %a", path).stdout.strip()

    def dpkg(self, action, package):
        """Says all that dpkg says. It never asks: nobody is there to answer."""
        ran = self.run("dpkg", "--force-confdef", "--force-confold", action, package)
        return ran.stdout + ran.stderr

    def install(self, package):
        (self.folder / "packages" / package.name).write_bytes(package.read_bytes())
        return self.dpkg("--install", f"/packages/{package.name}")

    def status(self):
        return self.run("dpkg-query", "-W", "-f", "${db:Status-Status}", "gateway", check=False).stdout

    def has_user(self):
        return self.run("getent", "passwd", "gateway", check=False).returncode == 0


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    ran = subprocess.run([ROOT / "tools/package", tmp_path_factory.mktemp("package")], capture_output=True, text=True,
                         check=False, timeout=300, env={**os.environ, "GATEWAY_BIN": str(BIN)})
    assert ran.returncode == 0, ran.stderr
    return pathlib.Path(ran.stdout.strip())


@pytest.fixture(scope="module")
def newer(package, tmp_path_factory):
    """The next version, whose configurations are others."""
    folder = tmp_path_factory.mktemp("newer")
    tree, built = folder / "tree", folder / "gateway_newer.deb"
    subprocess.run(["dpkg-deb", "--raw-extract", package, tree], check=True)
    control = (tree / "DEBIAN/control").read_text()
    (tree / "DEBIAN/control").write_text(re.sub(r"(?m)^Version: (.*)$", r"Version: \1.1", control))
    for name in (CONFIGURATION, ENVIRONMENT):
        with open(tree / name[1:], "a") as file:
            file.write("# of the next version\n")
    subprocess.run(["dpkg-deb", "--build", "--root-owner-group", tree, built], check=True, capture_output=True)
    return built


@pytest.fixture
def system():
    assert os.geteuid() == 0, "another root needs root: run this with sudo"
    # Layers may not lie in one another: what is changed is kept in another file system than the machine's.
    with tempfile.TemporaryDirectory(prefix="gateway-package-", dir="/dev/shm") as folder:
        yield System(pathlib.Path(folder))


def test_the_package_says_what_it_is(package):
    def field(name):
        return subprocess.run(["dpkg-deb", "--field", package, name], check=True, capture_output=True,
                              text=True).stdout.strip()

    version = subprocess.run([BIN / "gateway", "--version"], check=True, capture_output=True, text=True).stdout
    assert field("Package") == "gateway" and field("Version") == version.split()[1]
    assert {"libc6", "libuv1", "passwd"} <= set(re.findall(r"[\w.+-]+(?= \(|,|$)", field("Depends").replace("t64", "")))
    listed = subprocess.run(["dpkg-deb", "--contents", package], check=True, capture_output=True, text=True).stdout
    assert "share/gateway/manifest" not in listed
    assert all(line.split()[1] == "root/root" for line in listed.splitlines())


def test_what_is_installed_is_ready_to_be_filled_and_started(system, package):
    system.install(package)
    assert system.status() == "installed"
    assert system.run("gateway", "--version").stdout.startswith("gateway ")
    assert system.run("dpkg", "--verify", "gateway").stdout == ""
    for folder in ("certificates", "secrets"):
        assert system.facts(f"/etc/gateway/{folder}") == "root:gateway 2750"
    # As the units do it, which nobody started.
    unit = system.read("/usr/lib/systemd/system/gateway-certs.service")
    assert "ExecStart=/usr/bin/gateway certs --out /etc/gateway $GATEWAY_CERTS\n" in unit
    system.run("sh", "-ec", f". {ENVIRONMENT}; gateway certs --out /etc/gateway $GATEWAY_CERTS --public a.test")
    for end in ("crt", "key"):
        system.run("install", "-m", "640", f"/etc/gateway/tls/ecdsa.{end}", f"/etc/gateway/certificates/a.{end}")
    checked = system.run(*AS_GATEWAY, "sh", "-ec", f"set -a; . {ENVIRONMENT}; gateway --config {CONFIGURATION} --check")
    assert checked.stdout.startswith("config ok: ")
    assert system.run(*AS_GATEWAY, "cat", "/etc/gateway/ca.key", check=False).returncode != 0
    assert not system.has("/etc/systemd/system/multi-user.target.wants/gateway.service")


def test_an_upgrade_keeps_what_was_changed_and_replaces_what_was_not(system, package, newer):
    system.install(package)
    system.write(CONFIGURATION, "version: 1 # ours\n")
    system.run("chmod", "700", "/etc/gateway/secrets")
    system.install(newer)
    assert system.read(CONFIGURATION) == "version: 1 # ours\n"
    assert system.read(f"{CONFIGURATION}.dpkg-dist").endswith("# of the next version\n")
    assert system.read(ENVIRONMENT).endswith("# of the next version\n")
    assert system.facts("/etc/gateway/secrets") == "root:gateway 2700", "later it is as the administrator has it"


def test_an_unchanged_default_is_never_asked_about(system, package):
    system.install(package)
    system.write(ENVIRONMENT, "GATEWAY_CERTIFICATES=/elsewhere\n")
    said = system.install(package)
    assert system.read(ENVIRONMENT) == "GATEWAY_CERTIFICATES=/elsewhere\n"
    assert "dpkg-dist" not in said and not system.has(f"{ENVIRONMENT}.dpkg-dist")


def test_removing_leaves_the_configuration_and_purging_nothing(system, package):
    system.install(package)
    before = system.read(CONFIGURATION) + "# ours\n"
    system.write(CONFIGURATION, before)
    # As `systemctl enable` on a running system.
    system.run("systemctl", "--quiet", "enable", "gateway.service", "gateway-certs.timer")
    assert system.has("/etc/systemd/system/multi-user.target.wants/gateway.service")
    system.dpkg("--remove", "gateway")
    assert system.status() == "config-files"
    assert system.read(CONFIGURATION) == before
    for path in ("/usr/bin/gateway", "/usr/share/gateway", "/usr/share/doc/gateway",
                 "/usr/lib/systemd/system/gateway.service",
                 "/etc/systemd/system/multi-user.target.wants/gateway.service",
                 "/etc/systemd/system/timers.target.wants/gateway-certs.timer"):
        assert not system.has(path), path
    system.run("mkdir", "-p", "/var/log/gateway")
    system.write("/var/log/gateway/access.log", "a line\n")
    said = system.dpkg("--purge", "gateway")
    assert system.status() in ("", "not-installed")
    for path in ("/etc/gateway", "/var/log/gateway"):
        assert not system.has(path), path
    assert "userdel gateway" in said and system.has_user()


def test_purging_leaves_keys_that_are_not_the_packages(system, package):
    system.install(package)
    system.write("/etc/gateway/certificates/mine.key", "a key\n")
    said = system.dpkg("--purge", "gateway")
    assert "kept /etc/gateway" in said
    assert system.read("/etc/gateway/certificates/mine.key") == "a key\n" and system.has_user()
    assert not system.has(CONFIGURATION) and not system.has("/etc/gateway/secrets")


def test_without_a_program_it_is_one_sentence(tmp_path):
    ran = subprocess.run([ROOT / "tools/package", tmp_path], capture_output=True, text=True, check=False,
                         env={**os.environ, "GATEWAY_BIN": str(tmp_path)})
    assert ran.returncode == 1 and ran.stderr.count("\n") == 1 and "make build" in ran.stderr
