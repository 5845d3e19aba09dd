"""What tools/install-dependencies says and does, without a package manager in reach."""
import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "tools/install-dependencies"


def tool_folder(path, programs):
    """A PATH of stand-ins that record how they were called."""
    path.mkdir()
    for name, body in programs.items():
        (path / name).write_text(f"#!/bin/bash\n{body}\n")
        (path / name).chmod(0o755)
    return f"{path}:{os.environ['PATH']}"


def run(*arguments, **environment):
    return subprocess.run([SCRIPT, *arguments], capture_output=True, text=True, timeout=60,
                          env={**os.environ, **environment})


def test_does_nothing_once_all_is_there(tmp_path):
    called = tmp_path / "called"
    path = tool_folder(tmp_path / "bin", {
        "dpkg-query": 'for p in "$@"; do echo "installed $p"; done',
        "apt-get": f"touch {called}; exit 1",
    })
    result = run("build", "test", "lint", PATH=path)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert not called.exists()


def test_refuses_an_unknown_system_in_one_sentence(tmp_path):
    release = tmp_path / "os-release"
    release.write_text('ID=plan9\nVERSION_ID=4\nPRETTY_NAME="Plan 9"\n')
    result = run("build", OS_RELEASE_FILE=str(release))
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert "Plan 9" in result.stderr and "Debian 12 and 13" in result.stderr


def test_refuses_an_unknown_group():
    result = run("everything")
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1 and "'everything'" in result.stderr


def test_without_root_and_sudo_it_says_what_is_missing_and_the_mend(tmp_path):
    path = tool_folder(tmp_path / "bin", {
        "dpkg-query": 'printf "installed %s\\n" "$@" | grep -v ninja-build',
        "id": "echo 1000",
        "sudo": "exit 1",
    })
    result = run("build", PATH=path)
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert "(ninja-build)" in result.stderr and "as root" in result.stderr


def test_a_failing_mirror_is_one_sentence_after_what_apt_said(tmp_path):
    path = tool_folder(tmp_path / "bin", {
        "dpkg-query": 'printf "installed %s\\n" "$@" | grep -v ninja-build',
        "id": "echo 0",
        "tee": "cat >/dev/null",
        "chmod": "",
        "apt-get": 'echo "E: mirror is away"; exit 100',
    })
    result = run("build", PATH=path)
    assert result.returncode == 1
    assert result.stderr.startswith("E: mirror is away\n")
    assert "package lists cannot be fetched" in result.stderr.splitlines()[-1]


def test_what_a_killed_run_left_behind_is_removed_and_nothing_else(tmp_path):
    path = tool_folder(tmp_path / "bin", {
        "dpkg-query": 'for p in "$@"; do echo "installed $p"; done', "id": "echo 0"})
    policy = tmp_path / "policy-rc.d"
    ended = subprocess.Popen(["/bin/sh", "-c", ":"])
    ended.wait()
    for text, stays in [
        (f"#!/bin/sh\n# tools/install-dependencies, process {ended.pid}\nexit 101\n", False),
        (f"#!/bin/sh\n# tools/install-dependencies, process {os.getpid()}\nexit 101\n", True),
        ("#!/bin/sh\nexit 101\n", True),
    ]:
        policy.write_text(text)
        result = run("build", PATH=path, POLICY_RC_FILE=str(policy))
        assert (result.returncode, result.stderr) == (0, "")
        assert policy.exists() == stays, text


def test_the_peers_and_the_debian_root_of_the_benchmark_are_wanted_where_there_are_packages(tmp_path):
    release = tmp_path / "os-release"
    path = tool_folder(tmp_path / "bin", {"dpkg-query": "exit 1", "id": "echo 1000", "sudo": "exit 1"})
    for version, there in ("12", True), ("13", False):
        release.write_text(f"ID=debian\nVERSION_ID={version}\n")
        wanted = run("bench", PATH=path, OS_RELEASE_FILE=str(release)).stderr
        assert "nginx" in wanted and "valgrind" in wanted
        assert ("h2o" in wanted) == there and ("debootstrap" in wanted) == there, wanted
