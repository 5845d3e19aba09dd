mock_provider "google" {}

variables {
  region           = "europe-west4"
  node_tag         = "gateway-nodes"
  metrics_api_port = 6443
  ranges = {
    nodes         = "10.10.0.0/20"
    pods          = "10.12.0.0/16"
    services      = "10.11.0.0/20"
    control_plane = "10.10.240.0/28"
    databases     = "10.10.64.0/20"
  }
}

run "private" {
  command = plan

  assert {
    condition     = !google_compute_network.this.auto_create_subnetworks
    error_message = "The default subnetworks come with open firewall rules."
  }
  assert {
    condition     = google_compute_subnetwork.nodes.private_ip_google_access
    error_message = "Machines without public addresses reach Google's registry and buckets by this alone."
  }
  assert {
    condition     = google_compute_router_nat.this.source_subnetwork_ip_ranges_to_nat == "ALL_SUBNETWORKS_ALL_IP_RANGES"
    error_message = "Pods go out by NAT too."
  }
}

run "the_control_plane_reaches_the_metrics_api" {
  command = plan

  assert {
    condition     = google_compute_firewall.metrics_api.source_ranges == toset(["10.10.240.0/28"])
    error_message = "From the control plane alone."
  }
  assert {
    condition     = google_compute_firewall.metrics_api.target_tags == toset(["gateway-nodes"])
    error_message = "To the cluster's machines alone."
  }
  assert {
    condition = [for each in google_compute_firewall.metrics_api.allow : "${each.protocol} ${join(",", each.ports)}"] == [
      "tcp 6443"
    ]
    error_message = "The metrics port alone."
  }
}

run "databases_have_a_range_of_their_own" {
  command = plan

  assert {
    condition = (google_compute_global_address.databases.address == "10.10.64.0" &&
    google_compute_global_address.databases.prefix_length == 20)
    error_message = "The range that was given."
  }
}

run "refuses_a_range_that_is_none" {
  command = plan
  variables {
    ranges = {
      nodes         = "10.10.0.0/20"
      pods          = "10.12.0.0"
      services      = "10.11.0.0/20"
      control_plane = "10.10.240.0/28"
      databases     = "10.10.64.0/20"
    }
  }
  expect_failures = [var.ranges]
}

run "refuses_a_control_plane_that_google_would" {
  command = plan
  variables {
    ranges = {
      nodes         = "10.10.0.0/20"
      pods          = "10.12.0.0/16"
      services      = "10.11.0.0/20"
      control_plane = "10.10.240.0/24"
      databases     = "10.10.64.0/20"
    }
  }
  expect_failures = [var.ranges]
}
