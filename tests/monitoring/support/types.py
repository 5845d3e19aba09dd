"""Checks JSON values with the TypeScript compiler: each becomes a literal of its type, so that a key too many
is an error as well."""
import json
import os
import pathlib
import shutil
import subprocess

from support.promtool import HERE, ROOT

FOLDER = ROOT / "build/monitoring/types"
GRAFANA = 'import type { Board } from "./check";\nexport const value: Board = '


def operator(kind):
    return (f'import type {{ I{kind} }} from "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/{kind}";\n'
            f"export const value: I{kind} = ")


def complaints(values):
    """{name: what the compiler says, empty if nothing} of {name: (beginning of the source, value)}."""
    assert (FOLDER / "node_modules/typescript").is_dir(), "tests/monitoring/run installs the types"
    here = FOLDER / "work"
    shutil.rmtree(here, ignore_errors=True)
    here.mkdir(parents=True)
    os.symlink("../node_modules", here / "node_modules")
    for source in ("check.ts", "query.ts", "tsconfig.json"):
        shutil.copy(HERE / "types" / source, here)
    for name, (beginning, value) in values.items():
        (here / f"{name}.ts").write_text(beginning + json.dumps(value) + ";\n")
    done = subprocess.run(["node", FOLDER / "node_modules/typescript/bin/tsc", "-p", here, "--pretty", "false"],
                          capture_output=True, text=True, cwd=here)
    said = {name: [] for name in values}
    unexpected = []
    current = None
    for line in done.stdout.splitlines() + done.stderr.splitlines():
        if not line.startswith(" "):
            current = said.get(pathlib.PurePath(line.partition("(")[0]).stem, unexpected)
        current.append(line)
    assert not unexpected, "\n".join(unexpected)
    return {name: "\n".join(lines) for name, lines in said.items()}
