output "name" {
  value = google_artifact_registry_repository.images.name
}

output "address" {
  description = "What an image's name begins with"
  value       = "${var.region}-docker.pkg.dev/${var.project}/${google_artifact_registry_repository.images.repository_id}"
}
