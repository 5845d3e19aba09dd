output "network" {
  value = google_compute_network.this.id
}

output "subnetwork" {
  value = google_compute_subnetwork.nodes.id
}

output "databases_range" {
  description = "The name of the range that database instances take their addresses from"
  value       = google_compute_global_address.databases.name
  # A database that is made before the peering fails.
  depends_on = [google_service_networking_connection.databases]
}
