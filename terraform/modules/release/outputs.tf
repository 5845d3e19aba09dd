output "account" {
  value = google_service_account.release.email
}

output "member" {
  value = google_service_account.release.member
}

output "identity_provider" {
  value = google_iam_workload_identity_pool_provider.gitlab.name
}
