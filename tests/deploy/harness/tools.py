"""The pinned programs, and what they make of k8s/ and of the chart."""
import functools
import os
import pathlib
import re
import shutil
import subprocess

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[3]
CHART = ROOT / "packaging/helm/gateway"
BIN = pathlib.Path(os.environ.get("GATEWAY_BIN", ROOT / "build/release/bin"))
TOOLS = ("kustomize", "helm", "kubeconform", "kube-score", "kubernetes-openapi", "cert-manager-crds", "lego",
         "pebble")
ENVIRONMENTS = ("dev", "acc", "prod")
VERSION = (ROOT / "version.txt").read_text().strip()


@functools.cache
def tool(name):
    return subprocess.run([ROOT / "tools/install-tool", name], check=True, stdout=subprocess.PIPE,
                          text=True).stdout.strip()


def run(*command, **options):
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, **options)


def documents(text):
    return [each for each in yaml.safe_load_all(text) if each]


def build(folder):
    """The objects of a kustomization, as text."""
    done = run(tool("kustomize"), "build", str(folder))
    assert done.returncode == 0, done.stderr
    return done.stdout


@functools.cache
def overlay(environment):
    return build(ROOT / "k8s/overlays" / environment)


def objects(environment):
    return documents(overlay(environment))


def helm(*arguments, **options):
    return run(tool("helm"), *arguments, **options)


def template(*values, release="gateway", namespace="gateway", file=None):
    """What `helm template` says of the chart with these values (NAME=VALUE)."""
    arguments = [part for each in values for part in ("--set-json" if "=[" in each or "={" in each else "--set", each)]
    if file is not None:
        arguments += ["--values", str(file)]
    return helm("template", release, str(CHART), "--namespace", namespace, *arguments)


def rendered(*values, **options):
    """Its objects."""
    done = template(*values, **options)
    assert done.returncode == 0, done.stderr
    return documents(done.stdout)


def find(found, kind, name):
    """The one object of this kind and name; a generated name goes on with a hash."""
    which = [each for each in found if each["kind"] == kind
             and re.fullmatch(re.escape(name) + "(-[a-z0-9]{10})?", each["metadata"]["name"])]
    assert len(which) == 1, (kind, name, len(which))
    return which[0]


def containers(body):
    pod = body.get("spec", {}).get("template", {}).get("spec", {})
    return pod.get("initContainers", []) + pod.get("containers", [])


def copy_of(folder, *names):
    """These parts of the repository below another folder; whatever a test changes, it changes there."""
    for name in names:
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, target)
        else:
            shutil.copy2(ROOT / name, target)
    return folder


def edit(path, old, new):
    text = path.read_text()
    assert old in text, f"{path} has no {old!r}"
    path.write_text(text.replace(old, new))
