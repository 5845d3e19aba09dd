"""The cluster's network, inside the tests' own namespace: one bridge, a namespace for each pod."""
import itertools
import pathlib
import subprocess

from .plane import ADDRESS

BRIDGE = "pods"
GATEWAYS = ("10.244.0.1/16", "fd00:10:244::1/64")
DNS_ADDRESS = "10.244.255.53"
ADAPTER_ADDRESS = "10.244.255.80"
# Where the load balancer of the first Service listens; documentation addresses, local here.
BALANCERS = "203.0.113.0/24"
HOST = "jobs.example.com"
HOST_ADDRESS = "203.0.113.1"
_numbers = itertools.count(10)


def ip(*arguments):
    subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True)


def prepare(work):
    """Of the namespaces that `run` made: loopback, the bridge, and names that tests may use."""
    ip("link", "set", "lo", "up")
    for each in (ADDRESS, DNS_ADDRESS, ADAPTER_ADDRESS):
        ip("address", "add", f"{each}/32", "dev", "lo")
    # A Service that nobody is behind refuses connections.
    for each in ("10.96.0.0/16", BALANCERS):
        ip("route", "add", "local", each, "dev", "lo")
    # An address of its own: else it takes one of its ports', and what pods know of it is wrong once that port is gone.
    ip("link", "add", BRIDGE, "address", "02:00:00:00:00:01", "type", "bridge")
    for each in GATEWAYS:
        ip("address", "add", each, "dev", BRIDGE, *(["nodad"] if ":" in each else []))
    ip("link", "set", BRIDGE, "up")
    pathlib.Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
    # Names of pods' namespaces stay in this mount namespace.
    pathlib.Path("/run/netns").mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run/netns"], check=True)
    hosts = work / "hosts"
    hosts.write_text(f"127.0.0.1 localhost\n{HOST_ADDRESS} {HOST} other.example.com\n")
    subprocess.run(["mount", "--bind", hosts, "/etc/hosts"], check=True)


class PodNetwork:
    """A namespace with one interface on the bridge; addresses are never given twice."""

    def __init__(self):
        number = next(_numbers)
        self.name = f"pod-{number}"
        self.address = f"10.244.{1 + number // 250}.{1 + number % 250}"
        self.address6 = f"fd00:10:244::{number:x}"
        self.path = f"/run/netns/{self.name}"
        self.link = f"v{number}"
        ip("netns", "add", self.name)
        ip("link", "add", self.link, "type", "veth", "peer", "name", "eth0", "netns", self.name)
        ip("link", "set", self.link, "master", BRIDGE, "up")
        ip("-n", self.name, "link", "set", "lo", "up")
        ip("-n", self.name, "address", "add", f"{self.address}/16", "dev", "eth0")
        ip("-n", self.name, "address", "add", f"{self.address6}/64", "dev", "eth0", "nodad")
        ip("-n", self.name, "link", "set", "eth0", "up")
        ip("-n", self.name, "route", "add", "default", "via", GATEWAYS[0].split("/")[0])

    def remove(self):
        subprocess.run(["ip", "netns", "delete", self.name], check=False, capture_output=True)
