"""What kube-proxy and a cloud's controller do: addresses of Services lead to the pods behind them, by
NAT of this kernel, and Services of type LoadBalancer get an address."""
import subprocess
import threading

from .api import ApiError

FIRST_BALANCER = 1


class Follower:
    """Objects of one kind as they are, by namespace and name; tells when they change."""

    def __init__(self, api, kind, stopped, changed):
        self.items = {}
        self.thread = threading.Thread(target=self.follow, args=(api, kind, stopped, changed), daemon=True)
        self.thread.start()

    def follow(self, api, kind, stopped, changed):
        for event, body in api.watch(kind, stopped.is_set):
            if event == "SYNC":
                self.items = {key: item for key, item in self.items.items() if key in body}
            else:
                key = (body["metadata"].get("namespace"), body["metadata"]["name"])
                items = dict(self.items)
                items[key] = body
                if event == "DELETED":
                    del items[key]
                self.items = items
            changed.set()


class ServiceProxy:
    """Follows Services and EndpointSlices; `generation` counts the rules that were set."""

    def __init__(self, api):
        self.api = api
        self.stopped, self.changed = threading.Event(), threading.Event()
        self.balancers = {}
        self.rules = None

    def start(self):
        self.services = Follower(self.api, "Service", self.stopped, self.changed)
        self.slices = Follower(self.api, "EndpointSlice", self.stopped, self.changed)
        threading.Thread(target=self.run, daemon=True).start()
        return self

    def stop(self):
        self.stopped.set()
        self.changed.set()

    def run(self):
        while not self.stopped.is_set():
            self.changed.wait()
            self.changed.clear()
            services = list(self.services.items.values())
            for service in services:
                self.balance(service)
            rules = self.make_rules(services)
            if rules != self.rules:
                subprocess.run(["nft", "-f", "-"], input=rules, text=True, check=True)
                self.rules = rules

    def balance(self, service):
        """The cloud's part: a first address for each balancer, written into its status."""
        meta = service["metadata"]
        key = (meta["namespace"], meta["name"])
        if service["spec"].get("type") != "LoadBalancer" or service["status"].get("loadBalancer"):
            return
        number = self.balancers.setdefault(key, FIRST_BALANCER + len(self.balancers))
        try:
            self.api.patch("Service", meta["name"], {"status": {"loadBalancer": {"ingress": [
                {"ip": f"203.0.113.{number}", "ipMode": "VIP"}]}}}, meta["namespace"], "status")
        except (ApiError, OSError):
            self.changed.set()

    def backends(self, namespace, name, port_name):
        """Addresses and ports of the ready pods; when there is none, of those that still serve."""
        ready, serving = [], []
        for body in self.slices.items.values():
            meta = body["metadata"]
            if (meta["namespace"], meta.get("labels", {}).get("kubernetes.io/service-name")) != (namespace, name):
                continue
            if body["addressType"] != "IPv4":
                continue
            ports = [each["port"] for each in body.get("ports") or [] if each.get("name", "") == port_name]
            for endpoint in body.get("endpoints") or []:
                found = [(endpoint["addresses"][0], each) for each in ports]
                conditions = endpoint["conditions"]
                if conditions.get("ready", True):
                    ready += found
                elif conditions.get("serving") and conditions.get("terminating"):
                    serving += found
        return sorted(ready or serving)

    def make_rules(self, services):
        chains, jumps = [], []
        for service in services:
            spec, meta = service["spec"], service["metadata"]
            addresses = [each for each in spec.get("clusterIPs", []) if "." in each]
            addresses += [each["ip"] for each in service["status"].get("loadBalancer", {}).get("ingress", [])]
            for port in spec.get("ports", []):
                if port.get("protocol", "TCP") != "TCP":
                    continue
                found = self.backends(meta["namespace"], meta["name"], port.get("name", ""))
                choices = []
                for address, number in found:
                    chain = f"to_{address.replace('.', '_')}_{number}"
                    text = f"  chain {chain} {{\n    ip protocol tcp dnat to {address}:{number}\n  }}"
                    if text not in chains:
                        chains.append(text)
                    choices.append(f"{len(choices)} : goto {chain}")
                for address in addresses if choices else []:
                    jumps.append(f"    ip daddr {address} tcp dport {port['port']} numgen random mod "
                                 f"{len(choices)} vmap {{ {', '.join(choices)} }}")
        lines = ["table ip services", "delete table ip services", "table ip services {", *chains,
                 "  chain lead {", *jumps, "  }"]
        for hook in ("prerouting", "output"):
            lines += [f"  chain {hook} {{", f"    type nat hook {hook} priority -100", "    jump lead", "  }"]
        # Pods of one bridge would answer one another directly, past the translation.
        lines += ["  chain postrouting {", "    type nat hook postrouting priority 100",
                  "    ip saddr 10.244.0.0/16 ip daddr 10.244.0.0/16 ct status dnat masquerade", "  }", "}", ""]
        return "\n".join(lines)
