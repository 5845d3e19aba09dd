"""Ten thousand routes of every kind, and requests that hit them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Target:
    """A request that one certain route answers."""
    host: str
    path: str
    headers: dict[str, str] = field(default_factory=dict)
    method: str = "GET"

    def line(self) -> str:
        return json.dumps([self.method, self.host, self.path, self.headers]) + "\n"


def one_route() -> str:
    return "routes:\n  - {name: all, forward: backend}\n"


def many_routes(scale: float = 1.0) -> tuple[str, list[Target]]:
    """5,000 prefixes under one host, 3,000 hosts (a third of them wildcards), 1,000 matches on header,
    query or method, 1,000 regexes behind a literal prefix; and one request for each."""
    routes: list[str] = ["  - {name: rest, forward: backend}"]
    targets: list[Target] = []
    for i in range(int(5000 * scale)):
        path = f"/team{i % 50}/service{i}"
        routes.append(_route(f"prefix{i}", "one.bench.test", f"path_prefix: {path}"))
        targets.append(Target("one.bench.test", f"{path}/items/{i}"))
    for i in range(int(3000 * scale)):
        wild = i % 3 == 0
        host = f"*.tenant{i}.bench.test" if wild else f"host{i}.bench.test"
        routes.append(_route(f"host{i}", host, "path_prefix: /"))
        targets.append(Target(host.replace("*", "www"), f"/items/{i}"))
    for i in range(int(1000 * scale)):
        match, target = _special(i)
        routes.append(_route(f"special{i}", "special.bench.test", match))
        targets.append(target)
    for i in range(int(1000 * scale)):
        routes.append(_route(f"regex{i}", "regex.bench.test",
                             f"path_regex: '/report{i}/[0-9]+(/[a-z]+)?'"))
        targets.append(Target("regex.bench.test", f"/report{i}/{i * 7}/lines"))
    return "routes:\n" + "\n".join(routes) + "\n", targets


def _route(name: str, host: str, match: str) -> str:
    return f'  - {{name: {name}, hosts: ["{host}"], match: {{{match}}}, forward: backend}}'


def _special(i: int) -> tuple[str, Target]:
    """Four routes share a path and differ in what else they ask for."""
    path = f"/shared{i // 4}"
    host = "special.bench.test"
    if i % 4 == 0:
        return f"path: {path}, headers: {{x-variant: v{i}}}", Target(host, path, {"x-variant": f"v{i}"})
    if i % 4 == 1:
        return f"path: {path}, query: {{variant: q{i}}}", Target(host, f"{path}?variant=q{i}")
    if i % 4 == 2:
        return f"path: {path}, methods: [DELETE]", Target(host, path, {}, "DELETE")
    return f"path: {path}, methods: [GET]", Target(host, path)


def wrk_script(targets: list[Target], path: Path) -> Path:
    """A wrk script that sends these requests at random; the sequence is the same in every run."""
    lines = ["math.randomseed(1)", "local prepared = {}", "function init(args)"]
    for target in targets:
        headers = {"Host": target.host, **target.headers}
        table = ", ".join(f'["{name}"] = "{value}"' for name, value in headers.items())
        lines.append(f'  prepared[#prepared + 1] = wrk.format("{target.method}", "{target.path}", '
                     f"{{{table}}})")
    lines += ["end", "function request() return prepared[math.random(#prepared)] end", ""]
    path.write_text("\n".join(lines))
    return path
