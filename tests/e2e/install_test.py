"""An installed gateway checks its configuration as its unit does, and can be taken off again."""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from harness import BIN, ROOT, run_tests


def tool(action, destdir):
    subprocess.run([ROOT / "tools/install", action, "--prefix", "/usr", "--destdir", destdir],
                   check=True, capture_output=True, env={"GATEWAY_BIN": BIN, "PATH": "/usr/bin:/bin"})


def environment_of(text, destdir):
    """As systemd reads an EnvironmentFile; paths are below the installation."""
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return {name: f"{destdir}{value}" for name, value in (line.split("=", 1) for line in lines)}


def fill(folder, *names):
    """Certificates with their keys under these names."""
    for name in names:
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-days", "2", "-subj", f"/CN={name}", "-keyout", folder / f"{name}.key",
             "-out", folder / f"{name}.crt"], check=True, capture_output=True)


def the_packaged_configuration_passes_the_units_own_check():
    with tempfile.TemporaryDirectory(prefix="gateway-install-") as destdir:
        tool("install", destdir)
        unit = Path(destdir, "usr/lib/systemd/system/gateway.service").read_text()
        file = re.search(r"^EnvironmentFile=-?(.*)$", unit, re.M).group(1)
        environment = environment_of(Path(destdir + file).read_text(), destdir)
        named = set(re.findall(r"\$\{(\w+)\}", Path(destdir, "etc/gateway/gateway.yaml").read_text()))
        assert named and named <= environment.keys(), (named, environment)
        certificates = Path(environment["GATEWAY_CERTIFICATES"])
        secrets = Path(environment["GATEWAY_SECRETS"])
        fill(certificates, "public")
        fill(secrets, "internal-ca", "cluster")
        (secrets / "admin-token").write_text("a token\n")
        # The unit's commands, in the installation's folders.
        command = re.search(r"^ExecStartPre=(.*)$", unit, re.M).group(1)
        words = [destdir + word if word.startswith("/") else word for word in command.split()]
        checked = subprocess.run(words, env=environment, capture_output=True, text=True)
        assert checked.returncode == 0, checked.stderr
        assert checked.stdout.startswith("config ok: "), checked.stdout
        (secrets / "cluster.key").unlink()
        assert subprocess.run(words, env=environment, capture_output=True).returncode == 1


def taking_it_off_leaves_only_what_was_put_there():
    with tempfile.TemporaryDirectory(prefix="gateway-install-") as destdir:
        tool("install", destdir)
        Path(destdir, "etc/gateway/secrets/admin-token").write_text("a token\n")
        tool("uninstall", destdir)
        left = [path for path in Path(destdir).rglob("*") if path.is_file()]
        assert left == [Path(destdir, "etc/gateway/secrets/admin-token")], left
        shutil.rmtree(Path(destdir, "etc"))
        tool("install", destdir)
        tool("uninstall", destdir)
        assert not [path for path in Path(destdir).rglob("*") if path.is_file()]


if __name__ == "__main__":
    sys.exit(run_tests([the_packaged_configuration_passes_the_units_own_check,
                        taking_it_off_leaves_only_what_was_put_there]))
