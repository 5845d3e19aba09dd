# The address that the Service of the gateway asks for by name, and the names that lead to it.
resource "google_compute_address" "gateway" {
  name         = "gateway"
  region       = var.region
  address_type = "EXTERNAL"
  network_tier = "PREMIUM"
}

resource "google_dns_managed_zone" "this" {
  name        = "gateway"
  dns_name    = "${var.domain}."
  description = "Names that the gateway serves"

  dnssec_config {
    state = "on"
  }
}

resource "google_dns_record_set" "hosts" {
  for_each = var.hosts

  managed_zone = google_dns_managed_zone.this.name
  name         = "${each.key}.${google_dns_managed_zone.this.dns_name}"
  type         = "A"
  ttl          = 300
  rrdatas      = [google_compute_address.gateway.address]
}
