"""What a new application costs: the examples of docs/growing.md, tried on a copy of the tree."""
import re

import pytest
import yaml

from harness.tools import ENVIRONMENTS, ROOT, build, containers, copy_of, documents, edit, find, objects

PAGE = (ROOT / "docs/growing.md").read_text()


def example(name):
    """The block of the page whose first line names this file."""
    found = re.findall(rf"^```yaml\n# {re.escape(name)}\n(.*?)^```$", PAGE, re.M | re.S)
    assert len(found) == 1, name
    return found[0]


@pytest.fixture
def grown(tmp_path):
    """The tree with a sixth application: one small file, and one word in the list."""
    tree = copy_of(tmp_path, "k8s")
    folder = tree / "k8s/applications/shop"
    folder.mkdir()
    (folder / "kustomization.yaml").write_text(example("k8s/applications/shop/kustomization.yaml"))
    edit(tree / "k8s/applications/kustomization.yaml", "visitors]", "visitors, shop]")
    return tree


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_a_sixth_application_is_one_small_file(grown, environment):
    before = objects(environment)
    after = documents(build(grown / "k8s/overlays" / environment))
    added = [each for each in after if each not in before]
    assert [each for each in before if each not in after] == []
    kinds = sorted(each["kind"] for each in added)
    wanted = ["Deployment", "HorizontalPodAutoscaler", "Ingress", "Namespace", "NetworkPolicy", "NetworkPolicy",
              "PodDisruptionBudget", "Service"] + (["Certificate"] if environment != "dev" else [])
    assert kinds == sorted(wanted)
    assert {each["metadata"].get("namespace", "shop") for each in added} == {"shop"}
    container = containers(find(added, "Deployment", "shop"))[0]
    assert (container["image"], container["name"]) == ("shop:0.1.0", "shop")
    assert [each["containerPort"] for each in container["ports"]] == [8000, 9902]
    assert [each["value"] for each in container["env"]] == [":8000", ":9902"]
    host = find(added, "Ingress", "shop")["spec"]["rules"][0]["host"]
    assert host == ("shop.acc.example.com" if environment == "acc" else "shop.example.com")
    assert find(added, "HorizontalPodAutoscaler", "shop")["spec"]["minReplicas"] == (1 if environment == "dev" else 2)
    # Nothing of the base's own name is left.
    assert "application" not in {part for each in added for part in re.split(r"[^a-z.]+", yaml.safe_dump(each["spec"])
                                                                            if "spec" in each else "")}


def test_another_teams_program_says_where_it_serves_and_what_to_ask(grown):
    path = grown / "k8s/applications/shop/kustomization.yaml"
    path.write_text(path.read_text() + example("more of k8s/applications/shop/kustomization.yaml"))
    container = containers(find(documents(build(path.parent)), "Deployment", "shop"))[0]
    assert container["args"] == ["serve", "--port=8000"]
    assert container["readinessProbe"]["httpGet"] == container["livenessProbe"]["httpGet"] == {"path": "/health", "port": "http"}


def test_what_it_costs_is_what_the_page_says(grown, capsys):
    lines = len(example("k8s/applications/shop/kustomization.yaml").splitlines())
    nomad = len(example("nomad/applications/shop.yaml").splitlines())
    made = [each for each in documents(build(grown / "k8s/overlays/prod")) if each not in objects("prod")]
    rendered = len(yaml.safe_dump_all(made).splitlines())
    with capsys.disabled():
        print(f"\nA new application: on Kubernetes 1 file of {lines} lines and 1 word, which make {len(made)} objects of "
              f"{rendered} lines; on Nomad 1 file of {nomad} lines.")
    row = re.search(r"^\| a new application \| (\d+) file of (\d+) lines, (\d+) word[^|]*\| (\d+) file of (\d+) lines[^|]*\|",
                    PAGE, re.M)
    assert [int(each) for each in row.groups()] == [1, lines, 1, 1, nomad]
    said = re.search(r"make (\d+) objects of (\d+) lines", PAGE)
    assert [int(each) for each in said.groups()] == [len(made), rendered]


def test_fifty_applications_still_build(tmp_path):
    tree = copy_of(tmp_path, "k8s")
    text = example("k8s/applications/shop/kustomization.yaml")
    names = [f"shop-{number}" for number in range(50)]
    for name in names:
        folder = tree / "k8s/applications" / name
        folder.mkdir()
        (folder / "kustomization.yaml").write_text(re.sub(r"\bshop\b", name, text))
    edit(tree / "k8s/applications/kustomization.yaml", "visitors]", ", ".join(["visitors", *names]) + "]")
    after = documents(build(tree / "k8s/overlays/prod"))
    hosts = [rule["host"] for each in after if each["kind"] == "Ingress" for rule in each["spec"]["rules"]]
    assert {f"{name}.example.com" for name in names} <= set(hosts)
