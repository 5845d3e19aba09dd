"""The version that every program shows: version.txt and a number that no two builds share."""
import os
import pathlib
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


def write(source, output, **environment):
    clean = {name: text for name, text in os.environ.items() if not name.startswith("CI_")}
    subprocess.run(
        ["cmake", "-D", f"SOURCE={source}", "-D", "VERSION=1.2.3", "-D", f"OUTPUT={output}", "-P",
         ROOT / "cmake/Version.cmake"], check=True, env={**clean, **environment})
    words = output.read_text().replace('"', "").split()
    return words[2], "".join(words[5:])


def git(folder, *arguments):
    subprocess.run(["git", "-c", "user.name=n", "-c", "user.email=e", *arguments], cwd=folder,
                   check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path):
    folder = tmp_path / "source"
    folder.mkdir()
    git(folder, "init", "-q")
    for text in ("one", "two", "three"):
        (folder / "file").write_text(text)
        git(folder, "add", "file")
        git(folder, "commit", "-qm", text)
    return folder


def test_counts_commits_where_no_pipeline_counts(repository, tmp_path):
    version, commit = write(repository, tmp_path / "text")
    assert version == "1.2.3+3"
    assert len(commit) == 12 and "dirty" not in commit
    (repository / "file").write_text("four")
    assert write(repository, tmp_path / "text") == ("1.2.3+3", f"{commit}-dirty")


def test_two_pipelines_of_one_commit_give_two_numbers(repository, tmp_path):
    first, commit = write(repository, tmp_path / "text", CI_PIPELINE_IID="45")
    assert (first, write(repository, tmp_path / "text", CI_PIPELINE_IID="46")) == (
        "1.2.3+45", ("1.2.3+46", commit))


def test_the_same_number_recompiles_nothing(repository, tmp_path):
    write(repository, tmp_path / "text")
    os.utime(tmp_path / "text", (1, 1))
    write(repository, tmp_path / "text")
    assert (tmp_path / "text").stat().st_mtime == 1


def test_a_tarball_below_another_repository_has_no_number(repository, tmp_path):
    tarball = repository / "unpacked"
    tarball.mkdir()
    assert write(tarball, tmp_path / "text") == ("1.2.3", "")
    shutil.rmtree(repository / ".git")
    assert write(repository, tmp_path / "text", CI_PIPELINE_IID="7") == ("1.2.3+7", "")
    assert write(repository, tmp_path / "text", CI_COMMIT_SHA="0123456789abcdef") == ("1.2.3", "0123456789ab")


def test_every_program_shows_the_version_of_the_file():
    programs = pathlib.Path(os.environ.get("GATEWAY_BIN", ROOT / "build/release/bin"))
    number = (ROOT / "version.txt").read_text().strip()
    shown = set()
    for program in ("gateway", "app_a", "app_b", "hello", "visitors"):
        said = subprocess.check_output([programs / program, "--version"], text=True)
        assert said.startswith(f"{program} {number}"), said
        shown.add(said.split(" ", 1)[1])
    assert len(shown) == 1, shown
