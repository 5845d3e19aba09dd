output "release" {
  description = "All that the pipeline needs to know of an environment"
  value = {
    project           = var.project
    region            = var.region
    cluster           = module.cluster.name
    registry          = module.registry.address
    address           = module.address.name
    account           = module.release.account
    identity_provider = module.release.identity_provider
    secrets           = module.secrets.names
  }
}

output "database" {
  description = "null where the overlay brings its own"
  value       = one([for each in module.database : { instance = each.instance, address = each.address }])
}

output "address" {
  value = module.address.address
}

output "name_servers" {
  value = module.address.name_servers
}

output "nomad_group" {
  value = one(module.nodes[*].group)
}

output "nomad_node_policy" {
  value = one(module.nodes[*].node_policy)
}
