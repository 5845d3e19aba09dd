"""The cluster's DNS: A and AAAA of Services, and nothing else."""
import ipaddress
import socket
import struct
import threading

from .network import DNS_ADDRESS

SUFFIX = ["svc", "cluster", "local"]
TYPES = {1: "IPv4", 28: "IPv6"}
TTL = 1


class Names:
    """Answers from what the service proxy knows."""

    def __init__(self, proxy):
        self.proxy = proxy
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((DNS_ADDRESS, 53))

    def start(self):
        threading.Thread(target=self.run, daemon=True).start()
        return self

    def stop(self):
        self.socket.close()

    def run(self):
        while True:
            try:
                question, client = self.socket.recvfrom(4096)
                self.socket.sendto(self.answer(question), client)
            except (struct.error, IndexError, UnicodeDecodeError):
                pass  # no question
            except OSError:
                return

    def answer(self, question):
        labels, place = [], 12
        while question[place]:
            size = question[place]
            labels.append(question[place + 1:place + 1 + size].decode().lower())
            place += 1 + size
        kind = struct.unpack_from("!H", question, place + 1)[0]
        asked = question[12:place + 5]
        known, addresses = self.find(labels, TYPES.get(kind))
        records = b"".join(b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, TTL, len(each)) + each for each in addresses)
        # A response, authoritative; NXDOMAIN for a name that there is not.
        flags = 0x8400 | (struct.unpack_from("!H", question, 2)[0] & 0x0100) | (0 if known else 3)
        return question[:2] + struct.pack("!HHHHH", flags, 1, len(addresses), 0, 0) + asked + records

    def find(self, labels, family):
        if len(labels) != 5 or labels[2:] != SUFFIX:
            return False, []
        service = self.proxy.services.items.get((labels[1], labels[0]))
        if service is None:
            return False, []
        if service["spec"].get("clusterIP") != "None":
            found = service["spec"].get("clusterIPs", [])
        else:
            found = [address for body in self.proxy.slices.items.values()
                     if (body["metadata"]["namespace"],
                         body["metadata"].get("labels", {}).get("kubernetes.io/service-name"))
                     == (labels[1], labels[0])
                     for endpoint in body.get("endpoints") or []
                     if endpoint["conditions"].get("ready", True) for address in endpoint["addresses"]]
        packed = [ipaddress.ip_address(each).packed for each in found]
        return True, [each for each in packed if (len(each) == 4) == (family == "IPv4") and family]
