#!/usr/bin/env python3
"""Runs clang-tidy on every translation unit, in parallel, and remembers the clean ones.

Usage: lint_tidy.py CLANG_TIDY BUILD_DIR. A unit is remembered by the hash of its preprocessed text
(comments included, for NOLINT), its command and the rules, so only what changed is checked again.
"""
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
CACHE = ROOT / "build/lint-cache"


def rules_hash(tidy):
    digest = hashlib.sha256(subprocess.check_output([tidy, "--version"]))
    for rules in sorted(ROOT.glob("**/.clang-tidy")):
        if "build" not in rules.relative_to(ROOT).parts:
            digest.update(rules.read_bytes())
    return digest.hexdigest()


def key_of(unit, rules):
    command = [word for word in shlex.split(unit["command"]) if not word.endswith("ccache")]
    at = command.index("-o")
    del command[at:at + 2]
    command.remove("-c")
    text = subprocess.run(command + ["-E", "-C"], cwd=unit["directory"], capture_output=True)
    if text.returncode != 0:
        return None
    return hashlib.sha256(text.stdout + rules.encode() + unit["command"].encode()).hexdigest()


def check(unit, tidy, build, rules):
    key = key_of(unit, rules)
    if key and (CACHE / key).exists():
        return ""
    run = subprocess.run([tidy, "-p", build, "--quiet", unit["file"]], capture_output=True, text=True)
    if run.returncode == 0 and key:
        (CACHE / key).touch()
    return run.stdout + (run.stderr if run.returncode != 0 else "")


def findings_of(output):
    """Yields (headline, whole finding); a header's finding appears once for each unit."""
    for part in re.split(r"(?m)^(?=\S[^\n]*:\d+:\d+: (?:error|warning): )", output):
        headline = part.split("\n", 1)[0]
        if re.search(r":\d+:\d+: (error|warning): ", headline):
            yield headline, part.rstrip()


def main():
    tidy, build = sys.argv[1:]
    units = json.loads(pathlib.Path(build, "compile_commands.json").read_text())
    CACHE.mkdir(parents=True, exist_ok=True)
    rules = rules_hash(tidy)
    began = time.monotonic()
    seen = set()
    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        for output in pool.map(lambda unit: check(unit, tidy, build, rules), units):
            for headline, finding in findings_of(output):
                if headline not in seen:
                    seen.add(headline)
                    print(finding, flush=True)
    print(f"lint: clang-tidy on {len(units)} units in {time.monotonic() - began:.0f} s: "
          f"{len(seen)} findings")
    return 1 if seen else 0


if __name__ == "__main__":
    sys.exit(main())
