output "instance" {
  value = google_sql_database_instance.this.name
}

output "address" {
  value = google_sql_database_instance.this.private_ip_address
}
