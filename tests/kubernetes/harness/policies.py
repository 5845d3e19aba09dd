"""Judges flows by NetworkPolicies as networking.k8s.io/v1 defines them, from manifests alone: nothing in
the tests' network enforces them."""
import dataclasses
import ipaddress


@dataclasses.dataclass(frozen=True)
class End:
    """A pod, or with `address` somebody outside of the cluster."""
    namespace: str = ""
    labels: tuple = ()
    ports: tuple = ()  # (name, number) of its containers
    address: str = ""

    def has(self, wanted):
        return all(dict(self.labels).get(name) == value for name, value in wanted.items())


def outside(address):
    return End(address=address)


def pod(namespace, app="", **labels):
    found = dict(labels)
    if app:
        found["app.kubernetes.io/name"] = app
    return End(namespace, tuple(found.items()))


class Policies:
    def __init__(self, documents):
        self.policies = [each for each in documents if each["kind"] == "NetworkPolicy"]
        self.workloads = [each for each in documents if each["kind"] == "Deployment"]
        self.namespaces = {each["metadata"]["name"]: each["metadata"].get("labels", {})
                           for each in documents if each["kind"] == "Namespace"}

    def pod_of(self, name):
        """A pod of a Deployment, with the labels and ports of its template."""
        body = next(each for each in self.workloads if each["metadata"]["name"] == name)
        template = body["spec"]["template"]
        ports = tuple((port.get("name"), port["containerPort"]) for container in template["spec"]["containers"]
                      for port in container.get("ports", []))
        return End(body["metadata"]["namespace"], tuple(template["metadata"]["labels"].items()), ports)

    def allowed(self, source, target, port, protocol="TCP"):
        return (self.side_allows("Egress", source, target, target, port, protocol)
                and self.side_allows("Ingress", target, source, target, port, protocol))

    def isolated(self, end, direction):
        return any(True for _ in self.selecting(end, direction))

    def selecting(self, end, direction):
        """The policies that isolate this pod in this direction."""
        if end.address:
            return
        for policy in self.policies:
            spec = policy["spec"]
            kinds = spec.get("policyTypes") or ["Ingress"] + (["Egress"] if "egress" in spec else [])
            if policy["metadata"]["namespace"] == end.namespace and direction in kinds:
                if self.selects(spec["podSelector"], dict(end.labels)):
                    yield policy

    def side_allows(self, direction, subject, other, target, port, protocol):
        found = list(self.selecting(subject, direction))
        if not found:
            return True
        key, peers = ("ingress", "from") if direction == "Ingress" else ("egress", "to")
        return any(self.peer_matches(policy, rule.get(peers), other) and port_matches(rule.get("ports"), target,
                                                                                     port, protocol)
                   for policy in found for rule in policy["spec"].get(key) or [])

    def peer_matches(self, policy, peers, end):
        if not peers:
            return True
        return any(self.one_peer_matches(policy, each, end) for each in peers)

    def one_peer_matches(self, policy, peer, end):
        if "ipBlock" in peer:
            block = peer["ipBlock"]
            return bool(end.address) and inside(end.address, block["cidr"]) and not any(
                inside(end.address, each) for each in block.get("except", []))
        if end.address:
            return False
        if "namespaceSelector" in peer:
            labels = {"kubernetes.io/metadata.name": end.namespace, **self.namespaces.get(end.namespace, {})}
            if not self.selects(peer["namespaceSelector"], labels):
                return False
        elif end.namespace != policy["metadata"]["namespace"]:
            return False
        return self.selects(peer.get("podSelector", {}), dict(end.labels))

    @staticmethod
    def selects(selector, labels):
        if any(labels.get(name) != value for name, value in selector.get("matchLabels", {}).items()):
            return False
        for each in selector.get("matchExpressions", []):
            has, value = each["key"] in labels, labels.get(each["key"])
            if not {"In": value in each.get("values", []), "NotIn": value not in each.get("values", []),
                    "Exists": has, "DoesNotExist": not has}[each["operator"]]:
                return False
        return True


def inside(address, network):
    return ipaddress.ip_address(address) in ipaddress.ip_network(network)


def port_matches(ports, target, port, protocol):
    if not ports:
        return True
    for each in ports:
        if each.get("protocol", "TCP") != protocol:
            continue
        wanted = each.get("port")
        if isinstance(wanted, str):
            wanted = dict(target.ports).get(wanted)
            if wanted is None:
                continue
        if wanted is None or wanted == port or wanted <= port <= each.get("endPort", wanted):
            return True
    return False
