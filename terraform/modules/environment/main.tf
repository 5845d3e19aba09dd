# All of one environment but what a release is: images, manifests and secret values are the pipeline's and
# people's.
locals {
  node_tag = "gateway-nodes"
  secrets  = concat(["jobs-tls"], var.database_tier == null ? [] : ["app-b-database-url"])
}

module "network" {
  source = "../network"

  region           = var.region
  ranges           = var.ranges
  node_tag         = local.node_tag
  metrics_api_port = var.metrics_api_port
}

module "cluster" {
  source = "../cluster"

  project             = var.project
  region              = var.region
  network             = module.network.network
  subnetwork          = module.network.subnetwork
  control_plane_range = var.ranges.control_plane
  node_tag            = local.node_tag
  release_channel     = var.release_channel
  node_pools          = var.node_pools
  deletion_protection = var.protected
}

module "registry" {
  source = "../registry"

  project = var.project
  region  = var.region
  readers = merge({ cluster = module.cluster.node_account }, one(module.nodes[*].members))
}

module "database" {
  source = "../database"
  count  = var.database_tier == null ? 0 : 1

  region    = var.region
  network   = module.network.network
  addresses = module.network.databases_range
  tier      = var.database_tier
  protected = var.protected
}

module "address" {
  source = "../address"

  region = var.region
  domain = var.domain
  hosts  = var.hosts
}

module "release" {
  source = "../release"

  project     = var.project
  region      = var.region
  registry    = module.registry.name
  gitlab      = var.gitlab
  environment = var.environment
}

module "secrets" {
  source = "../secrets"

  project = var.project
  region  = var.region
  names   = local.secrets
  readers = { release = module.release.member }
}

module "nodes" {
  source = "../nodes"
  count  = var.nomad == null ? 0 : 1

  project      = var.project
  region       = var.region
  network      = module.network.network
  subnetwork   = module.network.subnetwork
  nodes_range  = var.ranges.nodes
  tools_bucket = "${var.project}-tools" # of bootstrap/
  nomad        = var.nomad.program
  servers      = var.nomad.servers
  machine_type = var.nomad.machine_type
  min          = var.nomad.min
  max          = var.nomad.max
}
