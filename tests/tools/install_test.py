"""make install and uninstall, into a staging folder."""
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


def act(action, root, prefix="/usr"):
    return subprocess.run(
        [ROOT / "tools/install", action, "--prefix", prefix, "--destdir", root],
        capture_output=True, text=True, timeout=60)


def tree(root):
    return sorted(str(path.relative_to(root)) for path in root.rglob("*"))


@pytest.fixture
def root(tmp_path):
    return tmp_path / "root"


def test_installs_program_unit_and_configuration(root):
    result = act("install", root)
    assert result.returncode == 0, result.stderr
    assert (root / "usr/bin/gateway").stat().st_mode & 0o777 == 0o755
    unit = (root / "usr/lib/systemd/system/gateway.service").read_text()
    assert "ExecStart=/usr/bin/gateway --config /etc/gateway/gateway.yaml\n" in unit
    assert "@PREFIX@" not in unit
    schema, *installed = (root / "etc/gateway/gateway.yaml").read_text().splitlines()
    assert installed == (ROOT / "config/prod.yaml").read_text().splitlines()[1:]
    assert (root / schema.split("$schema=/")[1]).is_file()


def test_the_installed_documents_find_each_other(root):
    act("install", root)
    documents = root / "usr/share/doc/gateway"
    pages = [*documents.rglob("*.md")]
    assert len(pages) > 10
    for page in pages:
        for target in re.findall(r"\]\(([^)#:]+)[^):]*\)", page.read_text()):
            if "docs" in page.parts and not (page.parent / target).resolve().is_relative_to(documents / "docs"):
                continue  # a source file
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_uninstall_leaves_nothing(root):
    root.mkdir()
    act("install", root)
    assert act("uninstall", root).returncode == 0
    assert tree(root) == []


def test_uninstall_leaves_what_was_there_before_and_what_came_later(root):
    (root / "usr/bin").mkdir(parents=True)
    (root / "usr/bin/other").write_text("other")
    act("install", root)
    (root / "etc/gateway/mine.yaml").write_text("mine")
    act("uninstall", root)
    assert tree(root) == ["etc", "etc/gateway", "etc/gateway/mine.yaml", "usr", "usr/bin", "usr/bin/other"]


def test_a_changed_configuration_survives_install_and_uninstall(root):
    act("install", root)
    configuration = root / "etc/gateway/gateway.yaml"
    configuration.write_text("version: 1 # ours\n")
    second = act("install", root)
    assert second.returncode == 0 and "kept" in second.stdout
    assert configuration.read_text() == "version: 1 # ours\n"
    act("uninstall", root)
    assert tree(root) == ["etc", "etc/gateway", "etc/gateway/gateway.yaml"]


def test_an_unchanged_configuration_is_replaced_by_the_new_one(root):
    act("install", root)
    configuration = root / "etc/gateway/gateway.yaml"
    pristine = configuration.read_text()
    act("install", root)
    assert configuration.read_text() == pristine
    act("uninstall", root)
    assert tree(root) == []


def test_a_configuration_that_was_there_before_is_nobody_elses(root):
    configuration = root / "etc/gateway/gateway.yaml"
    configuration.parent.mkdir(parents=True)
    configuration.write_text("version: 1 # theirs\n")
    act("install", root)
    act("uninstall", root)
    assert configuration.read_text() == "version: 1 # theirs\n"


def test_uninstall_without_install_is_one_sentence(root):
    result = act("uninstall", root)
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1 and "nothing is installed" in result.stderr


@pytest.mark.parametrize("name", ["gateway.service", "gateway-certs.service"])
def test_the_units_are_correct_and_closed(root, name):
    act("install", root)
    unit = root / "usr/lib/systemd/system" / name
    unit.write_text(unit.read_text().replace("/usr/bin/gateway", "/bin/true"))
    verified = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True)
    assert (verified.returncode, verified.stderr) == (0, "")
    subprocess.run(["systemd-analyze", "security", "--offline=true", "--threshold=20", unit],
                   check=True, capture_output=True)


def test_the_timer_starts_its_service(root):
    act("install", root)
    units = root / "usr/lib/systemd/system"
    verified = subprocess.run(["systemd-analyze", "verify", units / "gateway-certs.timer"], capture_output=True,
                              text=True, env={"PATH": "/usr/bin:/bin", "SYSTEMD_UNIT_PATH": f"{units}:"})
    assert (verified.returncode, verified.stderr) == (0, "")
