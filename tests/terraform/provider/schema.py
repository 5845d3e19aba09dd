#!/usr/bin/env python3
"""Prints the schema of the Google provider's resources that are named, as it was published: read from the
bindings that were generated from it, the npm package @cdktf/provider-google.
Usage: schema.py PACKAGE_FOLDER TYPE... , where a data source is named data.TYPE.

What the bindings do not tell: which optional attributes the provider fills in itself (all of a resource's own
are taken to be such, none of a nested block's), which changes replace a resource, and most limits of values:
`values` has the enumerations that the descriptions spell out."""
import json
import pathlib
import re
import sys

VERSION = re.compile(r"providerVersion: '([^']+)'")
CLASS = re.compile(r"^class (\w+) extends cdktf\.(ComplexObject|TerraformResource|TerraformDataSource|"
                   r"TerraformProvider) \{$(.*?)^\}", re.M | re.S)
STRUCT = re.compile(r"^function (\w+)ToHclTerraform\(struct\) \{$(.*?)^\}", re.M | re.S)
SETTABLE = re.compile(r"^ +(\w+): \{\n +value: (.+),\n +isBlock: (true|false),\n +type: \"(\w+)\",\n"
                      r" +storageClassType: \"(\w+)\",", re.M)
READ_ONLY = re.compile(r"// (\w+) - computed: true, optional: false, required: false\n +(?:get \w+\(\) \{\n +return "
                       r"(cdktf\.Fn\.tolist\()?this\.get(\w+)Attribute\(|this\._\w+ = new (cdktf\.)?(\w+)\(this, "
                       r"\"\w+\"(?:, (true|false))?)")
INTERFACE = re.compile(r"^export interface (\w+)(?: extends [\w.]+)? \{$(.*?)^\}", re.M | re.S)
PROPERTY = re.compile(r"/\*\*(.*?)\*/\s+readonly \w+(\??): ", re.S)
ANCHOR = re.compile(r"\{@link [^ ]+#(\w+) ")
VALUES = re.compile(r"[Pp]ossible values: (\[\"[^\]]*\])")
PRIMITIVES = {"string": "string", "number": "number", "boolean": "bool", "any": "string"}
GETTERS = {"String": "string", "Number": "number", "Boolean": "bool", "List": ["list", "string"],
           "NumberList": ["list", "number"], "StringMap": ["map", "string"], "NumberMap": ["map", "number"],
           "BooleanMap": ["map", "bool"], "AnyMap": ["map", "string"]}
COLLECTIONS = {"StringMap": ["map", "string"], "NumberMap": ["map", "number"], "BooleanMap": ["map", "bool"],
               "StringListMap": ["map", ["list", "string"]]}


class Bindings:
    """One resource's, or data source's, or the provider's own."""

    def __init__(self, folder):
        text = (folder / "index.js").read_text()
        types = (folder / "index.d.ts").read_text()
        for other in sorted(folder.glob("index-structs/*.js")):
            text += other.read_text()
        for other in sorted(folder.glob("index-structs/*.d.ts")):
            types += other.read_text()
        self.version = VERSION.search(text)[1]
        self.classes = {name: (kind, body) for name, kind, body in CLASS.findall(text)}
        self.structs = {name[0].upper() + name[1:]: body for name, body in STRUCT.findall(text)}
        self.interfaces = {name: self.properties(body) for name, body in INTERFACE.findall(types)}

    @staticmethod
    def properties(body):
        """By the name that the provider gives it: whether it is required, and its values where all are named."""
        found = {}
        for description, optional in PROPERTY.findall(body):
            anchor = ANCHOR.search(description)
            values = VALUES.search(re.sub(r"\s*\n\s*\*\s*", " ", description))
            if anchor:
                found[anchor[1]] = (not optional, json.loads(values[1]) if values else None)
        return found

    def top(self):
        name, body = next((name, body) for name, (kind, body) in self.classes.items() if kind != "ComplexObject")
        assert f"{name}Config" in self.interfaces, f"{name} has no configuration"
        return self.block(body, body, self.interfaces[f"{name}Config"], nested=False)

    def struct(self, name):
        output = self.classes.get(f"{name}OutputReference", ("", ""))[1]
        return self.block(self.structs.get(name, ""), output, self.interfaces.get(name, {}), nested=True)

    def block(self, settable, output, properties, nested):
        attributes, blocks = {}, {}
        for name, value, is_block, kind, storage in SETTABLE.findall(settable):
            required, values = properties[name]
            base = re.sub(r"List$", "", storage)
            if is_block == "true" and (base in self.structs or storage in self.structs):
                whole = storage if storage in self.structs else base
                many = "listMapperHcl(" in value
                blocks[name] = {"kind": "single" if kind == "struct" else kind, "min": int(required and kind != "struct"),
                                "max": 0 if many or kind == "struct" else 1, "block": self.struct(whole)}
                continue
            attributes[name] = {"type": self.type_of(kind, storage), "required": required,
                                "optional": not required, "computed": not required and not nested}
            if values:
                attributes[name]["values"] = values
        for name, as_set, getter, library, wrapped, is_set in READ_ONLY.findall(output):
            if name not in attributes and name not in blocks:
                attributes[name] = {"type": self.read_type(as_set, getter, library, wrapped, is_set),
                                    "required": False, "optional": False, "computed": True}
        return {"attributes": attributes, "blocks": blocks}

    def type_of(self, kind, storage):
        if kind == "simple":
            return PRIMITIVES[storage]
        element = re.sub(r"(List|Map)$", "", storage)
        inner = PRIMITIVES[element] if element in PRIMITIVES else self.object_of(element)
        return [kind, inner]

    def read_type(self, as_set, getter, library, wrapped, is_set):
        if getter:
            found = GETTERS[getter]
            return ["set", found[1]] if as_set else found
        if library:
            return COLLECTIONS[wrapped]
        return ["set" if is_set == "true" else "list", self.object_of(re.sub(r"(List|OutputReference)$", "", wrapped))]

    def object_of(self, name):
        block = self.struct(name)
        fields = {each: value["type"] for each, value in block["attributes"].items()}
        for each, value in block["blocks"].items():
            fields[each] = [value["kind"], ["object", {inner: attribute["type"] for inner, attribute
                                                       in value["block"]["attributes"].items()}]]
        return ["object", fields]


def folder_of(package, kind):
    data, _, name = kind.rpartition(".")
    name = re.sub(r"^google_", "", name).replace("_", "-")
    return package / "lib" / (f"data-google-{name}" if data else name)


def schema_of(package, kinds):
    provider = Bindings(package / "lib/provider")
    found = {"version": provider.version, "provider": provider.top(), "resources": {}, "data_sources": {}}
    for attribute in found["provider"]["attributes"].values():
        attribute["computed"] = False
    for kind in kinds:
        folder = folder_of(package, kind)
        if not folder.is_dir():
            continue  # tofu itself says that the provider does not have it
        group = "data_sources" if kind.startswith("data.") else "resources"
        found[group][kind.removeprefix("data.")] = Bindings(folder).top()
    return found


if __name__ == "__main__":
    print(json.dumps(schema_of(pathlib.Path(sys.argv[1]), sys.argv[2:]), indent=1, sort_keys=True))
