"""Who is measured: the gateway, its peers, and the floors; each with its binary and configurations."""

from __future__ import annotations

import re
import shutil
import signal
from dataclasses import dataclass, field
from pathlib import Path

from .machine import first_line

CONFIGS = Path(__file__).resolve().parent.parent / "configs"
# What the counts of system calls and instructions are compared with: peers that valgrind can run.
COUNTED_PEERS = ("nginx", "haproxy", "h2o", "nghttpx")


@dataclass(frozen=True)
class Kind:
    """A program that can be a contestant. `command` may use {config}, {binary}, {threads}, {dir}."""
    name: str
    role: str  # gateway, peer or floor
    command: tuple[str, ...]
    suffix: str = ""
    version: tuple[str, ...] = ()
    openssl: bool = False
    extra_files: dict[str, str] = field(default_factory=dict)
    leave: int = signal.SIGTERM  # ends it through its own exit, so that callgrind can write


KINDS = (
    Kind("gateway", "gateway", ("{binary}", "--config", "{config}"), "yaml", ("--version",)),
    Kind("gateway+pgo", "gateway", ("{binary}", "--config", "{config}"), "yaml", ("--version",)),
    Kind("nginx", "peer", ("{binary}", "-e", "{dir}/error.log", "-c", "{config}"), "conf", ("-v",)),
    Kind("haproxy", "peer", ("{binary}", "-db", "-f", "{config}"), "cfg", ("-v",), True),
    Kind("h2o", "peer", ("{binary}", "-c", "{config}"), "conf", ("-v",), True),
    Kind("nghttpx", "peer", ("{binary}", "--conf={config}"), "conf", ("--version",), True,
         leave=signal.SIGQUIT),
    Kind("envoy", "peer", ("{binary}", "-c", "{config}", "--concurrency", "{threads}",
                           "--disable-hot-restart", "-l", "error"), "yaml", ("--version",)),
    Kind("traefik", "peer", ("{binary}", "--configFile={config}"), "yaml", ("version",),
         extra_files={"dynamic.yaml": "traefik-dynamic.yaml"}),
    Kind("caddy", "peer", ("{binary}", "run", "--adapter", "caddyfile", "--config", "{config}"),
         "caddyfile", ("version",)),
    Kind("floor F0", "floor", ("{binary}", "--port", "{port}", "--backend", "{backend}",
                               "--threads", "{threads}")),
    Kind("floor F1", "floor", ("{binary}", "--port", "{port}", "--backend", "{backend}",
                               "--threads", "{threads}", "--certificate", "{cert}",
                               "--key", "{key}")),
)


@dataclass(frozen=True)
class Contestant:
    kind: Kind
    level: str  # "defaults" or "tuned"; the floors are what they are: "tuned"
    binary: str

    @property
    def name(self) -> str:
        """A peer always says its level; of the gateway "tuned" goes without saying."""
        if self.role == "peer" or self.level == "defaults":
            return f"{self.kind.name} {self.level}"
        return self.kind.name

    @property
    def role(self) -> str:
        return self.kind.role

    def template(self, purpose: str) -> Path | None:
        """The configuration for this purpose, else the general one; None: it cannot do that."""
        if not self.kind.suffix:
            return None
        stem = self.kind.name.split("+")[0]
        for name in (f"{stem}-{self.level}-{purpose}", f"{stem}-{self.level}"):
            path = CONFIGS / f"{name}.{self.kind.suffix}"
            if path.exists():
                return path
        return None

    def takes_part(self, purpose: str) -> bool:
        """Policy needs a configuration of its own; any other purpose has the general one."""
        if self.role == "floor":
            return True
        template = self.template(purpose)
        return template is not None and (purpose != "policy" or template.stem.endswith("policy"))


def render(template: str, values: dict[str, str]) -> str:
    """Replaces {{name}}; an unknown name is an error, so that no hole reaches a configuration."""
    return re.sub(r"\{\{(\w+)\}\}", lambda match: values[match[1]], template)


def find(binaries: dict[str, str], venv: Path) -> tuple[list[Contestant], dict[str, str]]:
    """Everyone who is installed, and a sentence for everyone who is not."""
    present: list[Contestant] = []
    missing: dict[str, str] = {}
    for kind in KINDS:
        binary = binaries.get(kind.name) or _locate(kind.name, venv)
        if not binary or not Path(binary).exists():
            missing[kind.name] = "not built" if binary else "not installed"
            continue
        levels = ("defaults", "tuned") if kind.role != "floor" else ("tuned",)
        present += [Contestant(kind, level, binary) for level in levels]
    return present, missing


def version(contestant: Contestant) -> str:
    if not contestant.kind.version:
        return "built from bench/"
    text = first_line([contestant.binary, *contestant.kind.version])
    return parse_version(text.replace(contestant.binary, ""))


def parse_version(text: str) -> str:
    """The number in what a program says of itself, whose own path may have one too."""
    number = re.search(r"v?\d+\.\d+[\w.+-]*", text)
    return number[0] if number else text


def _locate(name: str, venv: Path) -> str | None:
    in_venv = {"traefik": venv / "bin/traefik", "caddy": venv / "bin/caddy"}.get(name)
    if in_venv and in_venv.exists():
        return str(in_venv)
    if name == "envoy":
        found = sorted(venv.glob("lib/python3*/site-packages/envoy/_bin/envoy"))
        if found:
            return str(found[0])
    return shutil.which(name, path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
