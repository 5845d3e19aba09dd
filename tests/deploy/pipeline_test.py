"""The pipeline: what GitLab accepts, and that each job is one target of make, which is there; what is released by which
name; the floor of the coverage."""
import os
import pathlib
import re
import shutil
import subprocess

import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
FILE = ROOT / ".gitlab-ci.yml"
PIPELINE = yaml.safe_load(FILE.read_text())
KEYWORDS = {"image", "stages", "workflow", "variables", "default"}
JOBS = {name: body for name, body in PIPELINE.items() if name not in KEYWORDS and not name.startswith(".")}
DIGEST = "sha256:" + "0123456789abcdef" * 4
OTHER = "sha256:" + "2" * 64


def tool(name):
    return subprocess.run([ROOT / "tools/install-tool", name], check=True, capture_output=True, text=True).stdout.strip()


def targets():
    return set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))


def script_of(job):
    script = JOBS[job].get("script") or PIPELINE[JOBS[job]["extends"]]["script"]
    return [script] if isinstance(script, str) else script


def stage_of(job):
    return JOBS[job].get("stage") or PIPELINE[JOBS[job]["extends"]]["stage"]


def rules_of(job):
    return JOBS[job].get("rules", [])


def programs(folder, **bodies):
    folder.mkdir()
    for name, body in bodies.items():
        (folder / name).write_text(f"#!/bin/bash\n{body}\n")
        (folder / name).chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


def run(command, **environment):
    clean = {name: text for name, text in os.environ.items() if not name.startswith("CI_")}
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
                          env={**clean, **environment})


def test_gitlab_accepts_the_file():
    done = run([tool("check-jsonschema"), "--builtin-schema", "vendor.gitlab-ci", FILE])
    assert done.returncode == 0, done.stdout


def test_gitlab_would_not_accept_another(tmp_path):
    wrong = tmp_path / ".gitlab-ci.yml"
    wrong.write_text(FILE.read_text().replace("stage: build", "stages: build", 1))
    done = run([tool("check-jsonschema"), "--builtin-schema", "vendor.gitlab-ci", wrong])
    assert done.returncode == 1, done.stdout


@pytest.mark.parametrize("job", JOBS)
def test_a_job_is_one_target_that_there_is(job):
    found = re.fullmatch(r"make ([a-z-]+)( [A-Z]+=[a-z0-9]+)*", *script_of(job))
    assert found and found[1] in targets(), script_of(job)


def test_every_check_has_a_job():
    checks = {"lint", "lint-infrastructure", "build", "test", "asan", "tsan", "coverage", "fuzz", "bench-counts",
              "push-images", "test-kubernetes", "test-nomad", "test-terraform", "test-images", "test-monitoring"}
    assert checks <= {script_of(job)[0].split()[1] for job in JOBS}


def test_dev_follows_the_branch_acc_a_tag_and_prod_a_person():
    when = {job: [(rule["if"], rule.get("when")) for rule in rules_of(job)] for job in JOBS if job.startswith("deploy-")}
    assert when == {"deploy-dev": [("$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH", None)],
                    "deploy-acc": [("$CI_COMMIT_TAG", None)], "deploy-prod": [("$CI_COMMIT_TAG", "manual")]}
    assert JOBS["deploy-prod"]["needs"] == ["deploy-acc"]
    for job in when:
        environment = job.removeprefix("deploy-")
        assert JOBS[job]["environment"]["name"] == environment == JOBS[job]["resource_group"]
        assert script_of(job) == [f"make deploy ENV={environment}"]


def test_dev_gets_what_the_one_build_wrote_down():
    file, = JOBS["images"]["artifacts"]["paths"]
    assert f'images="${{IMAGES:-{file}}}"' in (ROOT / "tools/deploy").read_text()
    assert JOBS["deploy-dev"]["dependencies"] == ["images"]


def test_images_are_built_once():
    assert rules_of("images") == [{"if": "$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH"}]
    stages = PIPELINE["stages"]
    assert all(stages.index(stage_of(job)) < stages.index("images")
               for job in JOBS if job != "images" and not job.startswith("deploy-"))


def test_a_job_runs_as_it_is_written(tmp_path):
    """The whole way through the file: the default's commands, the variables, then the target."""
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", "--no-hardlinks", ROOT, clone], check=True)
    shutil.copy(FILE, clone)  # as it is now, committed or not
    path = programs(tmp_path / "bin", **{"apt-get": f"echo \"$@\" >>{tmp_path}/installed",
                                         "make": f"echo \"$PWD: $@, $GIT_DEPTH\" >>{tmp_path}/made"})
    command = [tool("node"), tool("gitlab-ci-local"), "--force-shell-executor", "--no-artifacts-to-source", "--home",
               tmp_path / "home", "lint"]
    done = subprocess.run(command, cwd=clone, capture_output=True, text=True, timeout=120, check=False,
                          env={**os.environ, "PATH": path})
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "made").read_text().rstrip().endswith(": lint, 0")
    assert "ca-certificates" in (tmp_path / "installed").read_text()


@pytest.fixture
def engine(tmp_path):
    """A builder that writes down what it is told, and has pushed all that it is asked about."""
    body = f"""echo "$@" >>{tmp_path}/told
while [ $# -gt 0 ]; do
  if [ "$1" = --digestfile ]; then printf '{DIGEST}' >"$2"; fi
  shift
done"""
    return {"PATH": programs(tmp_path / "bin", podman=body), "ENGINE": "podman"}, tmp_path / "told"


def test_two_pipelines_of_a_commit_give_two_versions(engine):
    environment, told = engine
    version = (ROOT / "version.txt").read_text().strip()
    for number in ("45", "46"):
        done = run(["tools/build-images", "app-a"], CI_PIPELINE_IID=number, **environment)
        assert done.returncode == 0, done.stderr
    lines = told.read_text().splitlines()
    assert [f"-t app-a:{version}-{number}" in line for number, line in zip((45, 46), lines, strict=True)] == [True, True]


def test_what_is_pushed_is_written_down_by_digest(engine):
    environment, told = engine
    file = ROOT / "build/images.txt"
    before = file.read_text() if file.exists() else None
    try:
        done = run(["tools/build-images", "app-a", "app-b"], CI_PIPELINE_IID="45", PUSH="1", REGISTRY="r.example/g/",
                   REGISTRY_USER="u", REGISTRY_PASSWORD="secret", **environment)
        assert done.returncode == 0, done.stderr
        assert file.read_text() == "".join(f"{name} r.example/g/{name}@{DIGEST}\n" for name in ("app-a", "app-b"))
    finally:
        file.unlink() if before is None else file.write_text(before)
    assert "login --username u --password-stdin r.example" in told.read_text()
    assert "secret" not in told.read_text()


@pytest.fixture
def cluster(tmp_path):
    """A kubectl that shows an overlay with two images, and runs an older App A; what was pushed of all of them; a
    registry that has other images of the commit c0ffee, and says who logged in to which side of a copy."""
    kubectl = f"""echo "kubectl $@" >>{tmp_path}/told
if [ "$1" = --context ]; then shift 2; fi
case "$1 $2" in
  "kustomize "*) printf 'image: app-a:0.1.0\\nimage: gateway:0.1.0\\nimage: postgres:17\\n' ;;
  "apply --kustomize") cat "$3/kustomization.yaml" >{tmp_path}/applied ;;
  "get deployment") echo r.example/app-a@sha256:{'1' * 64} ;;
  "get --kustomize") printf 'jobs app-a\nvisitors visitors\n' ;;
  "rollout status") [ ! -e {tmp_path}/hangs ] || [ "$3" != "deployment/$(cat {tmp_path}/hangs)" ] ;;
esac"""
    skopeo = f"""echo "skopeo $@" >>{tmp_path}/told
case "$1" in
  inspect) echo {OTHER} c0ffee ;;
  login) echo "$5 $(cat) ${{*: -1}}" >"$3" ;;
  copy) for each in "$@"; do [ ! -e "$each" ] || echo "reads $(cat "$each")" >>{tmp_path}/told; done ;;
esac"""
    pushed = tmp_path / "pushed.txt"
    pushed.write_text("".join(f"{name} r.example/{name}@{DIGEST}\n" for name in ("app-a", "app-b", "gateway")))
    return {"PATH": programs(tmp_path / "bin", kubectl=kubectl, skopeo=skopeo), "IMAGES": str(pushed),
            "REVISION": "c0ffee"}, tmp_path


def test_an_environment_gets_what_was_pushed_by_digest(cluster):
    environment, folder = cluster
    done = run(["tools/deploy", "acc"], **environment)
    assert done.returncode == 0, done.stderr
    applied = yaml.safe_load((folder / "applied").read_text())
    assert applied["resources"] == ["../../../k8s/overlays/acc"]
    assert applied["images"] == [{"name": name, "newName": f"r.example/{name}", "digest": DIGEST}
                                 for name in ("app-a", "gateway")]
    assert "skopeo" not in (folder / "told").read_text()


def test_it_waits_for_all_that_was_applied_in_the_cluster_that_is_named(cluster):
    environment, folder = cluster
    (folder / "hangs").write_text("visitors")
    done = run(["tools/deploy", "acc", "--context", "acc-1"], **environment)
    assert done.returncode == 1 and "visitors of visitors does not run" in done.stderr
    told = [line for line in (folder / "told").read_text().splitlines() if line.startswith("kubectl")]
    assert all("--context acc-1" in line for line in told if "kustomize k8s" not in line), told


def test_prod_keeps_its_app_a_until_the_new_one_is_judged(cluster):
    environment, folder = cluster
    done = run(["tools/deploy", "prod"], **environment)
    applied = yaml.safe_load((folder / "applied").read_text())
    assert {each["name"]: each["digest"] for each in applied["images"]} == {
        "app-a": "sha256:" + "1" * 64, "gateway": DIGEST}
    assert "step by step" in done.stderr
    assert done.returncode != 0, "there is nothing that could be judged here"


def test_a_registry_of_its_own_gets_the_same_digests(cluster):
    environment, folder = cluster
    done = run(["tools/deploy", "acc"], TO_REGISTRY="r.example/acc/", **environment)
    assert done.returncode == 0, done.stderr
    assert ("copy --quiet --all --preserve-digests docker://r.example/gateway@" + DIGEST
            + " docker://r.example/acc/gateway:c0ffee-0123456789ab") in (folder / "told").read_text()
    applied = yaml.safe_load((folder / "applied").read_text())
    assert {each["name"]: each["newName"] + "@" + each["digest"] for each in applied["images"]} == {
        name: f"r.example/acc/{name}@{DIGEST}" for name in ("app-a", "gateway")}


def test_each_registry_gets_its_own_login(cluster):
    environment, folder = cluster
    done = run(["tools/deploy", "acc"], TO_REGISTRY="r.example/acc/", REGISTRY_USER="from", REGISTRY_PASSWORD="secret-1",
               TO_REGISTRY_USER="to", TO_REGISTRY_PASSWORD="secret-2", TMPDIR=str(folder), **environment)
    assert done.returncode == 0, done.stderr
    told = (folder / "told").read_text().splitlines()
    copied, = (number for number, line in enumerate(told) if "copy" in line and "gateway@" in line)
    source, target = re.search(r" --src-authfile (\S+) --dest-authfile (\S+) ", told[copied]).groups()
    assert source != target
    assert told[copied + 1:copied + 3] == ["reads from secret-1 r.example", "reads to secret-2 r.example"]
    assert not any("secret" in line for line in told if line.startswith("skopeo"))
    assert not pathlib.Path(source).exists() and not pathlib.Path(target).exists()


def test_a_git_tag_releases_the_build_that_it_names(cluster):
    environment, folder = cluster
    done = run(["tools/deploy", "acc"], **{**environment, "IMAGES": "", "CI_COMMIT_TAG": "v0.1.0-45", "REGISTRY": "r.example/g/"})
    assert done.returncode == 0, done.stderr
    assert "docker://r.example/g/app-a:0.1.0-45" in (folder / "told").read_text()
    assert yaml.safe_load((folder / "applied").read_text())["images"] == [
        {"name": name, "newName": f"r.example/g/{name}", "digest": OTHER} for name in ("app-a", "gateway")]


@pytest.mark.parametrize("wrong, words", [
    ({"CI_COMMIT_TAG": "v0.1.0"}, "v0.1.0 names no build"),
    ({"CI_COMMIT_TAG": "v0.1.0-45", "REVISION": "decaf"}, "0.1.0-45 is of commit c0ffee: tag that one, not decaf"),
    ({"CI_COMMIT_TAG": "v0.1.0-45", "REGISTRY": ""}, "name the REGISTRY"),
])
def test_a_git_tag_that_names_no_build_of_its_commit_releases_nothing(cluster, wrong, words):
    environment, folder = cluster
    done = run(["tools/deploy", "acc"], **{**environment, "IMAGES": "", "REGISTRY": "r.example/g/", **wrong})
    assert done.returncode == 1 and words in done.stderr, done.stderr
    assert not (folder / "applied").exists()


def test_without_what_was_pushed_nothing_is_deployed(cluster):
    environment, folder = cluster
    done = run(["tools/deploy", "acc"], **{**environment, "IMAGES": "absent.txt"})
    assert done.returncode == 1 and "there is no absent.txt" in done.stderr and "job images" in done.stderr
    assert not (folder / "applied").exists()


def test_an_image_without_a_digest_is_not_deployed(cluster, tmp_path):
    environment, folder = cluster
    (tmp_path / "images.txt").write_text("app-a r.example/app-a:0.1.0\n")
    done = run(["tools/deploy", "dev"], **{**environment, "IMAGES": str(tmp_path / "images.txt")})
    assert done.returncode == 1 and "has no digest of app-a" in done.stderr
    assert not (folder / "applied").exists()


def test_an_environment_that_there_is_not_is_refused_in_a_sentence():
    done = run(["tools/deploy", "moon"])
    assert (done.returncode, done.stderr.count("\n")) == (1, 1) and "acc dev prod" in done.stderr


def test_the_floor_of_the_coverage_only_rises(tmp_path):
    folder = tmp_path / "source"
    (folder / "tools").mkdir(parents=True)
    (folder / "tests").mkdir()
    shutil.copy(ROOT / "tools/coverage", folder / "tools")
    for floor in ("50", "61.5", "60"):
        (folder / "tests/coverage-floor").write_text(f"{floor}\n")
        for command in (["init", "-q"], ["add", "."], ["-c", "user.name=n", "-c", "user.email=e", "commit", "-qm", floor]):
            subprocess.run(["git", *command], cwd=folder, check=True, capture_output=True)
    done = subprocess.run([folder / "tools/coverage"], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1 and "said 61.5 before: it may only rise" in done.stderr, done.stderr
