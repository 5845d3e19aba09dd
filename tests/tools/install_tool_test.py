"""What tools/install-tool says and does, with stand-ins for the clients that it fetches through."""
import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "tools/install-tool"
# Does to the file behind -o what the compiler would.
BUILDS = """case "$1 $2" in
"mod download") mkdir -p "$SOURCE/cmd/tofu"; printf '{\\n\\t"Dir": "%s",\\n}\\n' "$SOURCE" ;;
build*)
  echo a/package >&2
  while [ "$1" != -o ]; do shift; done
  mkdir -p "$(dirname "$2")"; printf '#!/bin/sh\\necho built\\n' >"$2"; chmod 755 "$2" ;;
esac"""
FAILS = "echo 'no such module' >&2; exit 1"


def stand_in(folder, name, body):
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/bash\n{body}\n")
    (folder / name).chmod(0o755)


def run(tmp_path, *arguments):
    environment = {**os.environ, "PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin", "XDG_CACHE_HOME": str(tmp_path / "cache"),
                   "SOURCE": str(tmp_path / "source")}
    return subprocess.run([SCRIPT, *arguments], capture_output=True, text=True, timeout=60, env=environment)


def test_takes_what_is_on_the_path_in_its_version(tmp_path):
    stand_in(tmp_path / "bin", "tofu", "echo 'OpenTofu v1.12.6'")
    done = run(tmp_path, "tofu")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{tmp_path}/bin/tofu\n", "")


def test_builds_where_the_path_has_another_version_and_then_no_more(tmp_path):
    stand_in(tmp_path / "bin", "tofu", "echo 'OpenTofu v1.12.60'")
    stand_in(tmp_path / "bin", "go", BUILDS)
    done = run(tmp_path, "tofu")
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{tmp_path}/cache/gateway/tools/tofu-1.12.6/bin/tofu\n"
    assert subprocess.run([done.stdout.strip()], capture_output=True, text=True).stdout == "built\n"
    assert "once" in done.stderr and "made in" in done.stderr
    stand_in(tmp_path / "bin", "go", FAILS)
    again = run(tmp_path, "tofu")
    assert (again.returncode, again.stdout, again.stderr) == (0, done.stdout, "")


def test_a_build_that_fails_leaves_nothing_and_says_why(tmp_path):
    stand_in(tmp_path / "bin", "go", FAILS)
    done = run(tmp_path, "kustomize")
    assert done.returncode != 0 and done.stdout == "" and "no such module" in done.stderr
    assert [each.name for each in (tmp_path / "cache/gateway/tools").iterdir()] == ["kustomize.lock"]


def test_without_its_client_it_says_which_one_is_missing(tmp_path):
    (tmp_path / "bin").mkdir()
    for name in ("bash", "dirname", "awk", "cat", "mkdir", "mktemp", "flock", "rm", "chmod", "sed", "tail", "grep"):
        (tmp_path / "bin" / name).symlink_to(f"/usr/bin/{name}")
    environment = {"PATH": str(tmp_path / "bin"), "HOME": str(tmp_path)}
    done = subprocess.run([SCRIPT, "kustomize"], capture_output=True, text=True, timeout=60, env=environment)
    assert done.returncode == 1 and "install go first" in done.stderr


def test_refuses_a_tool_that_is_not_in_the_table(tmp_path):
    done = run(tmp_path, "terrafrom")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1 and "'terrafrom'" in done.stderr and "--list" in done.stderr


def test_every_row_is_whole_and_of_a_known_kind():
    rows = [line.split() for line in subprocess.check_output([SCRIPT, "--list"], text=True).splitlines()
            if line and not line.startswith("#")]
    assert rows and len({row[0] for row in rows}) == len(rows)
    for name, version, _, how, *source in rows:
        assert how in ("go", "source", "module", "cgo", "pypi", "npm", "files", "debian") and source, name
        assert version != "latest" and (version[0].isdigit() or how in ("module", "debian")), name


def test_a_folder_of_a_module_is_copied_and_may_be_removed_again(tmp_path):
    stand_in(tmp_path / "bin", "go", """mkdir -p "$SOURCE/deploy/crds"; echo kind >"$SOURCE/deploy/crds/one.yaml"
chmod -R a-w "$SOURCE"; printf '{\\n\\t"Dir": "%s",\\n}\\n' "$SOURCE" """)
    done = run(tmp_path, "cert-manager-crds")
    assert done.returncode == 0, done.stderr
    folder = pathlib.Path(done.stdout.strip())
    assert (folder / "one.yaml").read_text() == "kind\n" and (folder / "one.yaml").stat().st_mode & 0o200
    assert run(tmp_path, "cert-manager-crds").stdout == done.stdout


def test_a_c_compiler_is_used_for_what_needs_one_alone(tmp_path):
    stand_in(tmp_path / "bin", "go", 'echo "$CGO_ENABLED" >"$SOURCE"\n' + BUILDS)
    for name, enabled in (("nomad", "1\n"), ("kustomize", "0\n")):
        done = run(tmp_path, name)
        assert done.returncode == 0, done.stderr
        assert (tmp_path / "source").read_text() == enabled, name


def test_a_build_that_fails_says_the_compilers_words_and_no_packages(tmp_path):
    stand_in(tmp_path / "bin", "go", "echo 'x.go:1:2: undefined: y' >&2; seq -f example.com/package/%g 100; exit 1")
    done = run(tmp_path, "nomad")
    assert done.returncode != 0 and "undefined: y" in done.stderr and "example.com" not in done.stderr
