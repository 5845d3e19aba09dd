#!/usr/bin/env python3
"""House rules that no compiler knows: layers, library fences, sizes, words, hosts."""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
MAX_FILE_LINES = 600

# Lower layers first; an include may only name a layer of a lower number, or its own folder.
LAYERS = {
    "base": 0, "runtime": 1, "metrics": 1, "http": 1, "config": 1, "net": 2, "downstream": 3,
    "upstream": 3, "routing": 4, "filter": 4, "snapshot": 5, "proxy": 6, "server": 7, "admin": 7,
    "kubernetes": 7, "custom_metrics": 7,
}
# Folders of one level that do know another: the left may include the right.
SIBLINGS = {("server", "admin"), ("admin", "server"), ("server", "custom_metrics"),
            ("server", "kubernetes"),
            ("config", "http"), ("config", "metrics"), ("metrics", "runtime")}
# Third-party headers and the folders or files that may include them.
FENCES = {
    r"uv\.h|uv/": ("gateway/runtime/", "gateway/net/"),
    r"openssl/": ("gateway/net/", "gateway/filter/token", "gateway/filter/password_hash", "apps/",
                  "tests/", "bench/"),
    r"llhttp\.h|nghttp2/": ("gateway/http/", "tests/fuzz/"),
    r"yaml-cpp/": ("gateway/config/",),
    r"simdjson\.h": ("gateway/kubernetes/", "tests/fuzz/"),
    r"prometheus/": ("gateway/metrics/",),
    r"sqlite3\.h|libpq-fe\.h": ("apps/", "tests/"),
}
WORDS = re.compile(r"\b(TODO|FIXME|XXX)\b")
NAMES = re.compile(r"\b(class|struct)\s+\w*(Impl|Manager|Helper|Util|Utils)\b|(?<!::)(?<!\.)(?<!->)\bget_\w+\(")
# The project takes packages from the machine's own mirror, so it never names one.
HOSTS = re.compile(r"\b(deb|ftp|security|snapshot|archive)\.(\w+\.)?(debian|ubuntu)\.(org|com)\b")


def tracked():
    names = subprocess.check_output(["git", "ls-files", "-z"], cwd=ROOT).decode().split("\0")
    return [name for name in names if name and (ROOT / name).is_file()]


def include_problem(name, header, angled):
    parts = name.split("/")
    target = header.split("/")
    if not angled and parts[0] == "gateway" and target[0] == "gateway" and len(parts) > 2 and len(target) > 2:
        ours, theirs = parts[1], target[1]
        if theirs not in LAYERS:
            return f"includes {header}, whose layer is unknown"
        lower = LAYERS[theirs] < LAYERS[ours] or ours == theirs or (ours, theirs) in SIBLINGS
        return None if lower else f"includes {header}: {theirs} is not below {ours}"
    for pattern, places in FENCES.items():
        if re.match(pattern, header) and not name.startswith(places):
            return f"includes <{header}>: only {', '.join(places)} may"
    return None


def problems_of_cpp(name, lines):
    if name.endswith(".h") and "#pragma once" not in lines:
        yield 1, "has no #pragma once"
    if name.endswith(".h") and "#include <cstdint>" not in lines:
        for number, line in enumerate(lines, 1):
            if re.search(r"\bstd::u?int(8|16|32|64)_t\b", line):
                yield number, "uses a fixed-width integer without <cstdint> (GCC 13 and later refuse)"
                break
    for number, line in enumerate(lines, 1):
        found = re.match(r'\s*#include ([<"])([^>"]+)[>"]', line)
        if found:
            problem = include_problem(name, found[2], found[1] == "<")
            if problem:
                yield number, problem
        if NAMES.search(line):
            yield number, "name of a kind that this code avoids (get_, Impl, Manager, Helper, Util)"


def problems_of(name):
    try:
        text = (ROOT / name).read_text()
    except UnicodeDecodeError:
        return
    lines = text.split("\n")
    source = name.endswith((".h", ".cc", ".py", ".sh")) or text.startswith("#!")
    if source and len(lines) - 1 > MAX_FILE_LINES:
        yield len(lines) - 1, f"has {len(lines) - 1} lines, more than {MAX_FILE_LINES}"
    for number, line in enumerate(lines, 1):
        if HOSTS.search(line):
            yield number, "names a package mirror"
        if source and name != "tools/lint_sources.py" and WORDS.search(line):
            yield number, "postpones work in a comment"
    if name.endswith((".h", ".cc")):
        yield from problems_of_cpp(name, lines)


def main():
    count = 0
    for name in tracked():
        for number, problem in problems_of(name):
            count += 1
            print(f"{name}:{number}: {problem}")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
