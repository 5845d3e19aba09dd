"""The cluster's network, inside the tests' own namespace: one bridge, a namespace for each pod."""
import itertools
import subprocess

from .plane import ADDRESS

BRIDGE = "pods"
GATEWAYS = ("10.244.0.1/16", "fd00:10:244::1/64")
_numbers = itertools.count(10)


def ip(*arguments):
    subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True)


def prepare():
    ip("link", "set", "lo", "up")
    ip("address", "add", f"{ADDRESS}/32", "dev", "lo")
    ip("link", "add", BRIDGE, "type", "bridge")
    for each in GATEWAYS:
        ip("address", "add", each, "dev", BRIDGE, *(["nodad"] if ":" in each else []))
    ip("link", "set", BRIDGE, "up")


class PodNetwork:
    """A namespace with one interface on the bridge; addresses are never given twice."""

    def __init__(self):
        number = next(_numbers)
        self.name = f"pod-{number}"
        self.address = f"10.244.{1 + number // 250}.{1 + number % 250}"
        self.address6 = f"fd00:10:244::{number:x}"
        self.path = f"/run/netns/{self.name}"
        ip("netns", "add", self.name)
        ip("link", "add", f"v{number}", "type", "veth", "peer", "name", "eth0", "netns", self.name)
        ip("link", "set", f"v{number}", "master", BRIDGE, "up")
        ip("-n", self.name, "link", "set", "lo", "up")
        ip("-n", self.name, "address", "add", f"{self.address}/16", "dev", "eth0")
        ip("-n", self.name, "address", "add", f"{self.address6}/64", "dev", "eth0", "nodad")
        ip("-n", self.name, "link", "set", "eth0", "up")
        ip("-n", self.name, "route", "add", "default", "via", GATEWAYS[0].split("/")[0])
        # Ports below 1024 belong to nobody in particular, as in a pod of a real node.
        self.run("sysctl", "-qw", "net.ipv4.ip_unprivileged_port_start=0")

    def run(self, *command, **options):
        return subprocess.run(["ip", "netns", "exec", self.name, *command], check=True,
                              capture_output=True, text=True, **options)

    def remove(self):
        subprocess.run(["ip", "netns", "delete", self.name], check=False, capture_output=True)
