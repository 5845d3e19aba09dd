output "state_bucket" {
  value = google_storage_bucket.state.name
}

output "tools_bucket" {
  value = google_storage_bucket.tools.name
}
