# PostgreSQL without a public address. Its users and their passwords are not made here: they would stand in the
# state (see README.md).
resource "google_sql_database_instance" "this" {
  name                = "gateway"
  region              = var.region
  database_version    = "POSTGRES_17"
  deletion_protection = var.protected # against this program

  settings {
    edition                     = "ENTERPRISE"
    tier                        = var.tier
    availability_type           = var.protected ? "REGIONAL" : "ZONAL"
    disk_type                   = "PD_SSD"
    disk_autoresize             = true
    deletion_protection_enabled = var.protected # against everybody

    ip_configuration {
      ipv4_enabled       = false
      private_network    = var.network
      allocated_ip_range = var.addresses
      ssl_mode           = "ENCRYPTED_ONLY"
    }

    backup_configuration {
      enabled                        = true
      start_time                     = "02:00"
      point_in_time_recovery_enabled = var.protected
      transaction_log_retention_days = 7

      backup_retention_settings {
        retained_backups = var.protected ? 30 : 7
      }
    }

    maintenance_window {
      day          = 7
      hour         = 3
      update_track = var.protected ? "stable" : "canary"
    }

    insights_config {
      query_insights_enabled = true
    }

    # As many clients as App B's replicas may open.
    database_flags {
      name  = "max_connections"
      value = "200"
    }
  }
}

resource "google_sql_database" "app_b" {
  name     = "app_b"
  instance = google_sql_database_instance.this.name
}
