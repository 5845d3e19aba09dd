output "release" {
  value = module.environment.release
}

output "database" {
  value = module.environment.database
}

output "address" {
  value = module.environment.address
}

output "name_servers" {
  value = module.environment.name_servers
}

output "nomad_group" {
  value = module.environment.nomad_group
}

output "nomad_node_policy" {
  value = module.environment.nomad_node_policy
}
