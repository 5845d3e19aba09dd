output "name" {
  value = google_container_cluster.this.name
}

output "node_account" {
  description = "As a member of IAM policies"
  value       = google_service_account.nodes.member
}
