"""What an overlay of k8s/ and the plan of its environment must agree on: room for its pods, the port of the metrics
API, the address, the database."""
import re

MEBI = 2 ** 20
UNITS = {"": 1, "Ki": 2 ** 10, "Mi": MEBI, "Gi": 2 ** 30, "k": 10 ** 3, "M": 10 ** 6, "G": 10 ** 9}
GIB_PER_CPU = {"standard": 4, "highmem": 8, "highcpu": 1}
# Shared ones: what Google gives pods of their processor time.
SHARED = {"e2-small": (940, 2), "e2-medium": (940, 4)}
# What Google's own pods ask for (seen on clusters of 1.3x, rounded up): on each machine, and once.
PER_MACHINE = (300, 400)
ONCE = (600, 1024)


def millis(text):
    text = str(text)
    return int(text[:-1]) if text.endswith("m") else round(float(text) * 1000)


def mebibytes(text):
    number, unit = re.fullmatch(r"([0-9.]+)(\w*)", str(text)).groups()
    return float(number) * UNITS[unit] / MEBI


def allocatable(machine_type):
    """Thousandths of a processor and MiB that GKE leaves to pods on one machine; None for an unknown type."""
    if machine_type in SHARED:
        processor, gib = SHARED[machine_type]
        return processor, allocatable_memory(gib)
    found = re.fullmatch(r"[a-z]\w+-(\w+)-(\d+)", machine_type)
    if not found or found[1] not in GIB_PER_CPU:
        return None
    count = int(found[2])
    reserved = 60 + 10 * min(max(count - 1, 0), 1) + 5 * min(max(count - 2, 0), 2) + 2.5 * max(count - 4, 0)
    return count * 1000 - reserved, allocatable_memory(count * GIB_PER_CPU[found[1]])


def allocatable_memory(gib):
    """Reserved is a quarter of the first 4 GiB, a fifth of the next 4, and so on, and 100 MiB before eviction."""
    reserved, left = 0.0, gib
    for size, share in ((4, 0.25), (4, 0.2), (8, 0.1), (112, 0.06), (float("inf"), 0.02)):
        part = min(left, size)
        reserved, left = reserved + part * share, left - part
    return (gib - reserved) * 1024 - 100


def requests_of(objects, surge):
    """Processor and memory of all pods at their largest number; with surge, while every Deployment rolls as well."""
    largest = {each["spec"]["scaleTargetRef"]["name"]: each["spec"]["maxReplicas"]
               for each in objects if each["kind"] == "HorizontalPodAutoscaler"}
    processor = memory = 0.0
    for each in objects:
        if each["kind"] != "Deployment":
            continue
        spec = each["spec"]
        count = largest.get(each["metadata"]["name"], spec.get("replicas", 1))
        if surge:
            count += spec.get("strategy", {}).get("rollingUpdate", {}).get("maxSurge", 0)
        for container in spec["template"]["spec"]["containers"]:
            processor += count * millis(container["resources"]["requests"]["cpu"])
            memory += count * mebibytes(container["resources"]["requests"]["memory"])
    return processor, memory


def room(pools):
    """What the fewest machines have, and what the most leave beside Google's own pods; None where a pool's is unknown."""
    smallest, largest = [0.0, 0.0], [-ONCE[0], -ONCE[1]]
    for pool in pools:
        each = allocatable(pool.block("node_config").get("machine_type") or "")
        scaling = pool.block("autoscaling")
        if each is None or not scaling:
            return None
        for index in (0, 1):
            smallest[index] += scaling["total_min_node_count"] * each[index]
            largest[index] += scaling["total_max_node_count"] * (each[index] - PER_MACHINE[index])
    return smallest, largest


def capacity(plan, objects):
    pools = plan.of("google_container_node_pool")
    if not pools:
        return
    found = room(pools)
    if found is None:
        yield "the room of the pools is unknown: a machine type or its limits are missing or misspelt"
        return
    smallest, largest = found
    needed = requests_of(objects, surge=False)
    if needed[0] <= smallest[0] and needed[1] <= smallest[1]:
        yield (f"machines need never be added: the pods' largest number asks for {needed[0]:.0f}m and {needed[1]:.0f}Mi, "
               f"and the smallest number of machines has {smallest[0]:.0f}m and {smallest[1]:.0f}Mi: "
               "raise maxReplicas or take fewer machines")
    needed = requests_of(objects, surge=True)
    for name, unit, wanted, left in (("processor", "m", needed[0], largest[0]), ("memory", "Mi", needed[1], largest[1])):
        if wanted > left:
            yield (f"{name} runs out: the pods' largest number, while they roll, asks for {wanted:.0f}{unit}, and the "
                   f"largest number of machines leaves {left:.0f}{unit}: lower maxReplicas or allow more machines")


def metrics_port(plan, objects):
    ports = [port["containerPort"] for each in objects if each["kind"] == "Deployment"
             for container in each["spec"]["template"]["spec"]["containers"]
             for port in container.get("ports", []) if port.get("name") == "metrics-api"]
    for cluster in plan.of("google_container_cluster"):
        source = cluster.block("private_cluster_config").get("master_ipv4_cidr_block")
        for pool in plan.of("google_container_node_pool"):
            tags = pool.block("node_config").get("tags") or []
            for port in ports:
                if not any(opens(rule, source, tags, port) for rule in plan.of("google_compute_firewall")):
                    yield (f"{pool.address}: no firewall rule lets the control plane ({source}) reach port {port}, the "
                           "custom metrics API of the gateway: no HorizontalPodAutoscaler would see a rate")


def opens(rule, source, tags, port):
    return source in (rule["source_ranges"] or []) and set(rule["target_tags"] or []) & set(tags) and \
        any(allow["protocol"] == "tcp" and str(port) in (allow.get("ports") or []) for allow in rule["allow"] or [])


def address(plan, objects):
    known = {each["name"] for each in plan.of("google_compute_address") if each["address_type"] == "EXTERNAL"}
    asked = {(each["metadata"].get("annotations") or {}).get("networking.gke.io/load-balancer-ip-addresses")
             for each in objects if each["kind"] == "Service" and each["spec"].get("type") == "LoadBalancer"}
    for name in asked - known:
        yield f"the gateway's Service asks for the address {name}, and the plan has {', '.join(sorted(known)) or 'none'}"


def database(plan, objects):
    inside = any(each["kind"] == "Deployment" and each["metadata"]["name"] == "postgres" for each in objects)
    outside = bool(plan.of("google_sql_database_instance"))
    if inside and outside:
        yield "the overlay brings a database, and the plan makes another"
    if not inside and not outside:
        yield "the overlay expects a database outside of the cluster, and the plan makes none"


RULES = (capacity, metrics_port, address, database)
