mock_provider "google" {}

variables {
  project             = "gateway-test"
  region              = "europe-west4"
  network             = "projects/gateway-test/global/networks/gateway"
  subnetwork          = "projects/gateway-test/regions/europe-west4/subnetworks/nodes"
  control_plane_range = "10.10.240.0/28"
  node_tag            = "gateway-nodes"
  release_channel     = "STABLE"
  deletion_protection = true
  node_pools = {
    apps  = { machine_type = "e2-standard-2", min = 3, max = 9, spot = false }
    spare = { machine_type = "e2-standard-4", min = 1, max = 4, spot = true }
  }
}

run "regional_and_private" {
  command = plan

  assert {
    condition     = google_container_cluster.this.location == "europe-west4"
    error_message = "A region, not a zone."
  }
  assert {
    condition = (google_container_cluster.this.private_cluster_config[0].enable_private_nodes &&
    google_container_cluster.this.private_cluster_config[0].enable_private_endpoint)
    error_message = "Neither machines nor the control plane have public addresses."
  }
  assert {
    condition     = google_container_cluster.this.workload_identity_config[0].workload_pool == "gateway-test.svc.id.goog"
    error_message = "Workload identity of this project."
  }
  assert {
    condition     = google_container_cluster.this.deletion_protection
    error_message = "As it was asked for."
  }
}

run "every_pool_is_autoscaled_over_the_region" {
  command = plan

  assert {
    condition = { for name, pool in google_container_node_pool.this : name => [
      pool.autoscaling[0].total_min_node_count, pool.autoscaling[0].total_max_node_count
    ] } == { apps = [3, 9], spare = [1, 4] }
    error_message = "The limits that were given, as totals: per zone they would be three times as many."
  }
  assert {
    condition     = [for pool in google_container_node_pool.this : pool.node_config[0].spot] == [false, true]
    error_message = "Spot machines where asked for."
  }
}

run "refuses_a_pool_that_cannot_grow" {
  command = plan
  variables {
    node_pools = { apps = { machine_type = "e2-standard-2", min = 3, max = 3, spot = false } }
  }
  expect_failures = [var.node_pools]
}
