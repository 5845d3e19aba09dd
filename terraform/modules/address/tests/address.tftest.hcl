mock_provider "google" {
  mock_resource "google_compute_address" {
    defaults = { address = "203.0.113.7" }
  }
}

variables {
  region = "europe-west4"
  domain = "dev.example.com"
  hosts  = ["jobs", "hello"]
}

run "names_lead_to_the_address" {
  assert {
    condition     = output.address == "203.0.113.7"
    error_message = "The address that was reserved."
  }
  assert {
    condition = { for each in google_dns_record_set.hosts : each.name => join(" ", each.rrdatas) } == {
      "hello.dev.example.com." = "203.0.113.7", "jobs.dev.example.com." = "203.0.113.7"
    }
    error_message = "Every host, and the address alone."
  }
  assert {
    condition     = google_dns_managed_zone.this.dnssec_config[0].state == "on"
    error_message = "Answers are signed."
  }
}
