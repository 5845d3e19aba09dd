mock_provider "google" {}

variables {
  region    = "europe-west4"
  network   = "projects/gateway-test/global/networks/gateway"
  addresses = "databases"
  tier      = "db-custom-2-7680"
  protected = true
}

run "private" {
  command = plan

  assert {
    condition     = google_sql_database_instance.this.settings[0].ip_configuration[0].ipv4_enabled == false
    error_message = "No public address."
  }
  assert {
    condition     = google_sql_database_instance.this.settings[0].ip_configuration[0].ssl_mode == "ENCRYPTED_ONLY"
    error_message = "Nothing in clear text."
  }
}

run "protected" {
  command = plan

  assert {
    condition     = google_sql_database_instance.this.settings[0].availability_type == "REGIONAL"
    error_message = "A second zone takes over."
  }
  assert {
    condition     = google_sql_database_instance.this.settings[0].backup_configuration[0].point_in_time_recovery_enabled
    error_message = "Recovery to any second."
  }
  assert {
    condition = (google_sql_database_instance.this.deletion_protection &&
    google_sql_database_instance.this.settings[0].deletion_protection_enabled)
    error_message = "Neither this program nor anybody else deletes it."
  }
}

run "unprotected_still_has_backups" {
  command = plan
  variables {
    protected = false
  }

  assert {
    condition = (google_sql_database_instance.this.settings[0].backup_configuration[0].enabled &&
    google_sql_database_instance.this.settings[0].availability_type == "ZONAL")
    error_message = "Cheaper, and not careless."
  }
  assert {
    condition     = !google_sql_database_instance.this.deletion_protection
    error_message = "It can be taken down again."
  }
}
