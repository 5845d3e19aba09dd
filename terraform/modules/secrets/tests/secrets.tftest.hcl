mock_provider "google" {}

variables {
  project = "gateway-test"
  region  = "europe-west4"
  names   = ["jobs-tls", "app-b-database-url"]
  readers = {
    release = "serviceAccount:release@gateway-test.iam.gserviceaccount.com"
    backup  = "serviceAccount:backup@gateway-test.iam.gserviceaccount.com"
  }
}

run "each_reader_reads_each_secret" {
  command = plan

  assert {
    condition = toset(keys(google_secret_manager_secret_iam_member.readers)) == toset([
      "jobs-tls/release", "jobs-tls/backup", "app-b-database-url/release", "app-b-database-url/backup"
    ])
    error_message = "Every pair, once."
  }
  assert {
    condition     = toset([for each in google_secret_manager_secret_iam_member.readers : each.role]) == toset(["roles/secretmanager.secretAccessor"])
    error_message = "They read, and do no more."
  }
  assert {
    condition     = toset(output.names) == toset(["jobs-tls", "app-b-database-url"])
    error_message = "The names that the pipeline asks for."
  }
}
