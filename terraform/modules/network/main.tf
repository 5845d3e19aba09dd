# One network: machines without public addresses, out through NAT, databases by peering.
resource "google_compute_network" "this" {
  name                    = "gateway"
  auto_create_subnetworks = false
  routing_mode            = "REGIONAL"
}

resource "google_compute_subnetwork" "nodes" {
  name                     = "nodes"
  network                  = google_compute_network.this.id
  region                   = var.region
  ip_cidr_range            = var.ranges.nodes
  private_ip_google_access = true

  secondary_ip_range {
    range_name    = "pods"
    ip_cidr_range = var.ranges.pods
  }

  secondary_ip_range {
    range_name    = "services"
    ip_cidr_range = var.ranges.services
  }

  log_config {
    aggregation_interval = "INTERVAL_10_MIN"
    flow_sampling        = 0.1
    metadata             = "INCLUDE_ALL_METADATA"
  }
}

resource "google_compute_router" "this" {
  name    = "gateway"
  network = google_compute_network.this.id
  region  = var.region
}

resource "google_compute_router_nat" "this" {
  name                               = "gateway"
  router                             = google_compute_router.this.name
  region                             = var.region
  nat_ip_allocate_option             = "AUTO_ONLY"
  source_subnetwork_ip_ranges_to_nat = "ALL_SUBNETWORKS_ALL_IP_RANGES"

  log_config {
    enable = true
    filter = "ERRORS_ONLY"
  }
}

resource "google_compute_global_address" "databases" {
  name          = "databases"
  network       = google_compute_network.this.id
  purpose       = "VPC_PEERING"
  address_type  = "INTERNAL"
  address       = split("/", var.ranges.databases)[0]
  prefix_length = tonumber(split("/", var.ranges.databases)[1])
}

resource "google_service_networking_connection" "databases" {
  network                 = google_compute_network.this.id
  service                 = "servicenetworking.googleapis.com"
  reserved_peering_ranges = [google_compute_global_address.databases.name]
}

# Google opens 443 and 10250 from the control plane to the nodes by itself, and nothing else. Without this one
# the APIService of the custom metrics API stays unavailable and no HorizontalPodAutoscaler sees a rate.
resource "google_compute_firewall" "metrics_api" {
  name          = "control-plane-to-metrics-api"
  network       = google_compute_network.this.id
  direction     = "INGRESS"
  source_ranges = [var.ranges.control_plane]
  target_tags   = [var.node_tag]

  allow {
    protocol = "tcp"
    ports    = [tostring(var.metrics_api_port)]
  }
}
