"""Two nodes' addresses inside the tests' own namespace, and somebody outside who reaches the public ones alone."""
import json
import pathlib
import subprocess

PRIVATE = ("10.77.0.1", "10.77.0.2")
PUBLIC = ("203.0.113.1", "203.0.113.2")
OUTSIDER = "203.0.113.100"
OUTSIDE = "outside"


def ip(*arguments):
    subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True)


def prepare():
    """Of the namespaces that `run` made."""
    ip("link", "set", "lo", "up")
    pathlib.Path("/run/netns").mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run/netns"], check=True)
    ip("link", "add", "private0", "address", "02:00:00:00:00:01", "type", "bridge")
    ip("link", "set", "private0", "up")
    ip("netns", "add", OUTSIDE)
    ip("link", "add", "public0", "type", "veth", "peer", "name", "eth0", "netns", OUTSIDE)
    for link, addresses in (("private0", PRIVATE), ("public0", PUBLIC)):
        for address in addresses:
            ip("address", "add", f"{address}/24", "dev", link)
    ip("link", "set", "public0", "up")
    ip("-n", OUTSIDE, "link", "set", "lo", "up")
    ip("-n", OUTSIDE, "address", "add", f"{OUTSIDER}/24", "dev", "eth0")
    ip("-n", OUTSIDE, "link", "set", "eth0", "up")


def listening():
    """Ports of all TCP sockets that listen here, whatever their address."""
    text = subprocess.run(["ss", "-Hltn"], check=True, capture_output=True, text=True).stdout
    return sorted({int(line.split()[3].rsplit(":", 1)[1]) for line in text.splitlines()})


def reached_from_outside(addresses, ports):
    """Those (address, port) that take a connection of somebody outside."""
    script = """import json, socket, sys
found = []
for address, port in json.loads(sys.stdin.read()):
    try:
        socket.create_connection((address, port), timeout=5).close()
        found.append((address, port))
    except OSError:
        pass
print(json.dumps(found))"""
    pairs = [(address, port) for address in addresses for port in ports]
    done = subprocess.run(["ip", "netns", "exec", OUTSIDE, "python3", "-c", script], input=json.dumps(pairs),
                          check=True, capture_output=True, text=True)
    return [tuple(each) for each in json.loads(done.stdout)]
