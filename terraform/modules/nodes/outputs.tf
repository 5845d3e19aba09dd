output "group" {
  description = "What a policy of the Nomad autoscaler targets"
  value = {
    project    = var.project
    region     = var.region
    mig_name   = google_compute_region_instance_group_manager.clients.name
    node_class = local.roles.client
    min        = var.min
    max        = var.max
  }
}

output "servers" {
  value = local.server_addresses
}

output "node_policy" {
  description = "A whole policy file for that group"
  value = templatefile("${path.module}/node-policy.hcl.tftpl", {
    project    = var.project
    region     = var.region
    mig_name   = google_compute_region_instance_group_manager.clients.name
    node_class = local.roles.client
    min        = var.min
    max        = var.max
  })
}

output "members" {
  description = "The machines, as members of IAM policies"
  value       = { for role, account in google_service_account.this : "nomad-${role}" => account.member }
}
