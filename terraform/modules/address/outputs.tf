output "name" {
  value = google_compute_address.gateway.name
}

output "address" {
  value = google_compute_address.gateway.address
}

output "name_servers" {
  value = google_dns_managed_zone.this.name_servers
}
