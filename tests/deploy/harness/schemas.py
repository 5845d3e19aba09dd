"""JSON Schemas for kubeconform: of Kubernetes' own kinds from the API description in its source, which is what the
tests' control plane serves; of cert-manager's from its CustomResourceDefinitions. Strict: no unknown field passes."""
import json
import pathlib

import yaml

from .tools import tool

PREFIX = "#/definitions/"
SPECIAL = {
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": {"type": ["integer", "string"]},
    "io.k8s.apimachinery.pkg.api.resource.Quantity": {"type": ["number", "string"]},
}


def make(folder):
    """Writes KIND-GROUP-VERSION.json for each kind; returns the pattern that kubeconform finds them by."""
    api = json.loads((pathlib.Path(tool("kubernetes-openapi")) / "swagger.json").read_text())["definitions"]
    definitions = {name: SPECIAL.get(name, strict(body)) for name, body in api.items()}
    for name, body in api.items():
        for kind in body.get("x-kubernetes-group-version-kind", []):
            if "kind" in body.get("properties", {}):
                schema = {**definitions[name], "definitions": needed(name, definitions)}
                write(folder, kind["kind"], kind["group"], kind["version"], schema)
    for file in sorted(pathlib.Path(tool("cert-manager-crds")).glob("*.yaml")):
        for crd in yaml.safe_load_all(file.read_text()):
            for version in (crd or {"spec": {"versions": []}})["spec"]["versions"]:
                schema = strict(version["schema"]["openAPIV3Schema"])
                write(folder, crd["spec"]["names"]["kind"], crd["spec"]["group"], version["name"], schema)
    return str(folder) + "/{{ .ResourceKind }}-{{ .Group }}-{{ .ResourceAPIVersion }}.json"


def write(folder, kind, group, version, schema):
    # kubeconform takes `v1` for the group of what has none.
    (folder / f"{kind.lower()}-{group or version}-{version}.json").write_text(json.dumps(schema))


def strict(body):
    """The same, where only named properties may stand."""
    if isinstance(body, list):
        return [strict(each) for each in body]
    if not isinstance(body, dict):
        return body
    made = {key: strict(value) for key, value in body.items()}
    if body.get("x-kubernetes-int-or-string"):
        made["type"] = ["integer", "string"]
    described = isinstance(body.get("properties"), dict) and body.get("type") == "object"
    if described and not body.get("additionalProperties") and not body.get("x-kubernetes-preserve-unknown-fields"):
        made["additionalProperties"] = False
    return made


def needed(name, definitions):
    """All that one definition refers to, and they again."""
    found, open_ = {}, [name]
    while open_:
        for each in references(definitions[open_.pop()]):
            if each not in found:
                found[each] = definitions[each]
                open_.append(each)
    return found


def references(body):
    if isinstance(body, list):
        for each in body:
            yield from references(each)
    elif isinstance(body, dict):
        for key, value in body.items():
            if key == "$ref" and isinstance(value, str):  # not a field of that name
                yield value.removeprefix(PREFIX)
            else:
                yield from references(value)
