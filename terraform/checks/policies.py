"""What must hold of every environment, whoever changes it. Each rule yields sentences; none means that it holds."""
import ipaddress

# The only ranges outside of private ones that may reach a machine: Google's health checks, and its proxy that asks
# administrators who they are.
GOOGLE = [ipaddress.ip_network(each) for each in ("35.191.0.0/16", "130.211.0.0/22", "35.235.240.0/20")]
PRIVATE = [ipaddress.ip_network(each) for each in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")]
EVERYBODY = ("allUsers", "allAuthenticatedUsers")
TOO_MUCH = ("roles/owner", "roles/editor")
KEPT = ("google_sql_database_instance", "google_sql_database", "google_container_cluster", "google_compute_address",
        "google_dns_managed_zone", "google_secret_manager_secret")


def private_databases(plan, environment):
    for each in plan.of("google_sql_database_instance"):
        address = each.block("settings", "ip_configuration")
        if address.get("ipv4_enabled") is not False:
            yield f"{each.address}: the database has a public address: ipv4_enabled must be false"
        if address.get("authorized_networks"):
            yield f"{each.address}: authorized_networks are for public addresses"
        if address.get("ssl_mode") not in ("ENCRYPTED_ONLY", "TRUSTED_CLIENT_CERTIFICATE_REQUIRED"):
            yield f"{each.address}: connections need not be encrypted: set ssl_mode"


def safe_databases(plan, environment):
    for each in plan.of("google_sql_database_instance"):
        backups = each.block("settings", "backup_configuration")
        if not backups.get("enabled"):
            yield f"{each.address}: there are no backups"
        if environment != "prod":
            continue
        if each.block("settings").get("availability_type") != "REGIONAL":
            yield f"{each.address}: one zone only: availability_type must be REGIONAL in prod"
        if not backups.get("point_in_time_recovery_enabled"):
            yield f"{each.address}: no point-in-time recovery in prod"
        if not each["deletion_protection"] or not each.block("settings").get("deletion_protection_enabled"):
            yield f"{each.address}: may be deleted, in prod"


def private_nodes(plan, environment):
    for each in plan.of("google_container_cluster"):
        endpoint = each.block("private_cluster_config")
        if not endpoint.get("enable_private_nodes"):
            yield f"{each.address}: the nodes have public addresses: enable_private_nodes must be true"
        if not endpoint.get("enable_private_endpoint"):
            yield f"{each.address}: the control plane has a public address: enable_private_endpoint must be true"
    for each in plan.of("google_container_node_pool"):
        if not each.block("network_config").get("enable_private_nodes"):
            yield f"{each.address}: the nodes have public addresses: enable_private_nodes must be true"
    for each in plan.of("google_compute_instance", "google_compute_instance_template",
                        "google_compute_region_instance_template"):
        for interface in each["network_interface"] or []:
            if interface.get("access_config") or interface.get("ipv6_access_config"):
                yield f"{each.address}: the machine has a public address: it must have no access_config"


def closed_firewall(plan, environment):
    for each in plan.of("google_compute_firewall"):
        if each["direction"] == "EGRESS" or not each["allow"]:
            continue
        for text in each["source_ranges"] or []:
            network = ipaddress.ip_network(text)
            if not any(network.version == other.version and network.subnet_of(other) for other in PRIVATE + GOOGLE):
                yield f"{each.address}: open to {text}, which is neither private nor Google's health checks and proxy"
        if not any(each[name] for name in ("source_ranges", "source_tags", "source_service_accounts")):
            yield f"{each.address}: open to everybody: it names no source"
        if not any(each[name] for name in ("target_tags", "target_service_accounts")):
            yield f"{each.address}: open on every machine: it names no target"
    for each in plan.of("google_compute_network"):
        if each["auto_create_subnetworks"] is not False:
            yield f"{each.address}: auto_create_subnetworks must be false"


def sound_clusters(plan, environment):
    for each in plan.of("google_container_cluster"):
        if (each["location"] or "").count("-") != 1:
            yield f"{each.address}: {each['location']} is not a region"
        if each["datapath_provider"] != "ADVANCED_DATAPATH":
            yield f"{each.address}: nothing enforces NetworkPolicies: datapath_provider must be ADVANCED_DATAPATH"
        if not each.block("workload_identity_config"):
            yield f"{each.address}: no workload identity"
        if environment == "prod" and not each["deletion_protection"]:
            yield f"{each.address}: may be deleted, in prod"
    for each in plan.of("google_container_node_pool"):
        if not each.block("autoscaling"):
            yield f"{each.address}: is not autoscaled"
        if each.block("node_config", "workload_metadata_config").get("mode") != "GKE_METADATA":
            yield f"{each.address}: pods get the machine's own account: workload_metadata_config must be GKE_METADATA"
        # An account that is made by the same plan is not known yet; Google's own provider may call one that is missing so
        # too. Then this finds nothing until the second plan.
        if not each.block("node_config").get("service_account") and \
                not any(part.get("service_account") for part in each.unknown.get("node_config") or []):
            yield f"{each.address}: has the default account, which may edit the project"


def private_buckets(plan, environment):
    for each in plan.of("google_storage_bucket"):
        if each["public_access_prevention"] != "enforced" or not each["uniform_bucket_level_access"]:
            yield f"{each.address}: may be made public"


def narrow_roles(plan, environment):
    for each in plan.resources:
        if "_iam_" not in each.kind:
            continue
        for member in [each["member"], *(each["members"] or [])]:
            if member in EVERYBODY:
                yield f"{each.address}: gives {each['role']} to {member}"
        if each["role"] in TOO_MUCH:
            yield f"{each.address}: {each['role']} is too much for anybody"


def no_secret_in_the_state(plan, environment):
    for each in plan.of("google_secret_manager_secret_version"):
        yield f"{each.address}: a secret's value would stand in the state"
    for each in plan.of("google_sql_user"):
        if each.has("password"):
            yield f"{each.address}: a password would stand in the state"
    for each in plan.of("google_service_account_key"):
        yield f"{each.address}: a private key would stand in the state; workload identity needs none"


def nothing_precious_goes(plan, environment):
    """In prod alone: a person who means it applies without this check."""
    if environment == "prod":
        for address in plan.deleted:
            if plan.kinds_deleted[address] in KEPT:
                yield f"{address}: would be deleted or replaced, in prod"


RULES = (private_databases, safe_databases, private_nodes, closed_firewall, sound_clusters, private_buckets,
         narrow_roles, no_secret_in_the_state, nothing_precious_goes)
