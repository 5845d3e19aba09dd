output "names" {
  value = [for each in google_secret_manager_secret.this : each.secret_id]
}
