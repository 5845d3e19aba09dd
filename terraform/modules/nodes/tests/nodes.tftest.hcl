mock_provider "google" {
  mock_data "google_compute_zones" {
    defaults = { names = ["europe-west4-a", "europe-west4-b", "europe-west4-c"] }
  }
}

variables {
  project      = "gateway-test"
  region       = "europe-west4"
  network      = "projects/gateway-test/global/networks/gateway"
  subnetwork   = "projects/gateway-test/regions/europe-west4/subnetworks/nodes"
  nodes_range  = "10.10.0.0/20"
  tools_bucket = "gateway-test-tools"
  servers      = 3
  machine_type = "e2-medium"
  min          = 1
  max          = 3
  nomad = {
    object = "nomad-1.11.0"
    sha256 = "0000000000000000000000000000000000000000000000000000000000000000"
  }
}

run "servers_are_where_the_others_look_for_them" {
  command = plan

  assert {
    condition     = [for each in google_compute_address.servers : each.address] == ["10.10.15.253", "10.10.15.252", "10.10.15.251"]
    error_message = "Fixed, of the range, and none that Google keeps for itself (the last but one is)."
  }
  assert {
    condition     = toset([for each in google_compute_instance.servers : each.zone]) == toset(["europe-west4-a", "europe-west4-b", "europe-west4-c"])
    error_message = "A zone each."
  }
  assert {
    condition     = strcontains(google_compute_instance_template.clients.metadata.user-data, "NOMAD_SERVERS=\"10.10.15.253 10.10.15.252 10.10.15.251\"")
    error_message = "A client is told of every server."
  }
}

run "user_data_is_what_cloud_init_reads" {
  command = plan

  assert {
    condition     = startswith(google_compute_instance_template.clients.metadata.user-data, "#cloud-config\n")
    error_message = "cloud-init knows a configuration by its first line."
  }
  assert {
    condition = base64decode(
      yamldecode(google_compute_instance_template.clients.metadata.user-data).write_files[1].content
    ) == file("join-nomad")
    error_message = "The script as it is tested."
  }
  assert {
    condition     = yamldecode(google_compute_instance_template.clients.metadata.user-data).runcmd == [["/usr/local/sbin/join-nomad"]]
    error_message = "And it is run."
  }
}

run "the_autoscaler_owns_the_size" {
  command = plan

  assert {
    condition     = google_compute_region_instance_group_manager.clients.target_size == 1
    error_message = "It begins with the least."
  }
  assert {
    condition = output.group == {
      project    = "gateway-test", region = "europe-west4", mig_name = "nomad-clients",
      node_class = "apps", min = 1, max = 3
    }
    error_message = "What a policy needs to know."
  }
  assert {
    condition     = strcontains(output.node_policy, "mig_name               = \"nomad-clients\"")
    error_message = "The policy targets this group."
  }
}

run "no_machine_is_public" {
  command = plan

  assert {
    condition = alltrue([
      for each in concat(google_compute_instance_template.clients.network_interface, flatten(google_compute_instance.servers[*].network_interface)) :
      length(each.access_config) == 0
    ])
    error_message = "No access_config, so no public address."
  }
}

run "refuses_an_even_number_of_servers" {
  command = plan
  variables {
    servers = 2
  }
  expect_failures = [var.servers]
}

run "refuses_what_is_no_checksum" {
  command = plan
  variables {
    nomad = { object = "nomad-1.11.0", sha256 = "abc" }
  }
  expect_failures = [var.nomad]
}
