# Machines of a Nomad cluster: servers with fixed addresses, and a group of clients whose size the Nomad
# autoscaler sets (see outputs.tf). Nothing here has a public address.
locals {
  tag = "nomad"
  # The last of the range, in which Google gives nothing out by itself before the others are used up.
  server_addresses = [for index in range(var.servers) : cidrhost(var.nodes_range, -3 - index)]
  roles            = { server = "system", client = "apps" }
  user_data = {
    for role, class in local.roles : role => templatefile("${path.module}/cloud-init.yaml.tftpl", {
      join = file("${path.module}/join-nomad")
      settings = {
        NOMAD_ROLE             = role
        NOMAD_NODE_CLASS       = class
        NOMAD_REGION           = var.region
        NOMAD_NODES_RANGE      = var.nodes_range
        NOMAD_SERVERS          = join(" ", local.server_addresses)
        NOMAD_BOOTSTRAP_EXPECT = tostring(var.servers)
        NOMAD_URL              = "https://storage.googleapis.com/${var.tools_bucket}/${var.nomad.object}"
        NOMAD_SHA256           = var.nomad.sha256
      }
    })
  }
}

resource "google_service_account" "this" {
  for_each = local.roles

  account_id   = "nomad-${each.key}"
  display_name = "Machines of Nomad: ${each.key}"
}

resource "google_storage_bucket_iam_member" "tools" {
  for_each = local.roles

  bucket = var.tools_bucket
  role   = "roles/storage.objectViewer"
  member = google_service_account.this[each.key].member
}

resource "google_project_iam_member" "logs" {
  for_each = local.roles

  project = var.project
  role    = "roles/logging.logWriter"
  member  = google_service_account.this[each.key].member
}

# What the autoscaler does to the group, as a job that only runs beside the servers (node class system).
resource "google_project_iam_custom_role" "resize" {
  role_id = "resizeNomadClients"
  title   = "Resize the group of Nomad clients"
  permissions = [
    "compute.instanceGroupManagers.get",
    "compute.instanceGroupManagers.update",
    "compute.instances.get",
    "compute.instances.delete",
  ]
}

resource "google_project_iam_member" "resize" {
  project = var.project
  role    = google_project_iam_custom_role.resize.name
  member  = google_service_account.this["server"].member
}

resource "google_compute_address" "servers" {
  count = var.servers

  name         = "nomad-server-${count.index}"
  region       = var.region
  address_type = "INTERNAL"
  subnetwork   = var.subnetwork
  address      = local.server_addresses[count.index]
}

data "google_compute_zones" "up" {
  project = var.project
  region  = var.region
  status  = "UP"
}

resource "google_compute_instance" "servers" {
  count = var.servers

  name                      = "nomad-server-${count.index}"
  zone                      = element(data.google_compute_zones.up.names, count.index)
  machine_type              = "e2-small"
  tags                      = [local.tag]
  metadata                  = { user-data = local.user_data.server, block-project-ssh-keys = "true", enable-oslogin = "TRUE" }
  allow_stopping_for_update = true

  boot_disk {
    initialize_params {
      image = var.image
      size  = 20
      type  = "pd-balanced"
    }
  }

  network_interface {
    subnetwork = var.subnetwork
    network_ip = google_compute_address.servers[count.index].address
  }

  service_account {
    email  = google_service_account.this["server"].email
    scopes = ["cloud-platform"]
  }

  shielded_instance_config {
    enable_secure_boot          = true
    enable_vtpm                 = true
    enable_integrity_monitoring = true
  }

  lifecycle {
    # A newer image of the family would replace every server in one step.
    ignore_changes = [boot_disk[0].initialize_params[0].image]
  }
}

resource "google_compute_instance_template" "clients" {
  name_prefix  = "nomad-client-"
  region       = var.region
  machine_type = var.machine_type
  tags         = [local.tag]
  metadata     = { user-data = local.user_data.client, block-project-ssh-keys = "true", enable-oslogin = "TRUE" }

  disk {
    boot         = true
    auto_delete  = true
    source_image = var.image
    disk_type    = "pd-balanced"
    disk_size_gb = 30
  }

  network_interface {
    subnetwork = var.subnetwork
  }

  service_account {
    email  = google_service_account.this["client"].email
    scopes = ["cloud-platform"]
  }

  shielded_instance_config {
    enable_secure_boot          = true
    enable_vtpm                 = true
    enable_integrity_monitoring = true
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "google_compute_region_instance_group_manager" "clients" {
  name               = "nomad-clients"
  region             = var.region
  base_instance_name = "nomad-client"
  target_size        = var.min

  version {
    instance_template = google_compute_instance_template.clients.self_link_unique
  }

  update_policy {
    type                         = "PROACTIVE"
    minimal_action               = "REPLACE"
    instance_redistribution_type = "NONE" # the autoscaler drains a machine before it goes; Google would not
    max_surge_fixed              = 3      # as many as there are zones, Google's least
    max_unavailable_fixed        = 0
  }

  auto_healing_policies {
    health_check      = google_compute_health_check.clients.id
    initial_delay_sec = 300 # a first boot installs packages
  }

  lifecycle {
    # The autoscaler's from then on; a second one, of Google's, would fight it.
    ignore_changes = [target_size]
  }
}

resource "google_compute_health_check" "clients" {
  name                = "nomad-clients"
  check_interval_sec  = 15
  timeout_sec         = 5
  healthy_threshold   = 1
  unhealthy_threshold = 4

  http_health_check {
    port         = 4646
    request_path = "/v1/agent/health?type=client"
  }
}

# Machines of Nomad among themselves: its API and gossip, and the addresses of jobs.
resource "google_compute_firewall" "nomad" {
  name        = "nomad"
  network     = var.network
  direction   = "INGRESS"
  source_tags = [local.tag]
  target_tags = [local.tag]

  allow {
    protocol = "tcp"
  }

  allow {
    protocol = "udp"
  }
}

# Google's health checks, and administrators by its proxy that asks who they are: `gcloud compute
# start-iap-tunnel nomad-server-0 4646`.
resource "google_compute_firewall" "google" {
  name          = "google-to-nomad"
  network       = var.network
  direction     = "INGRESS"
  source_ranges = ["35.191.0.0/16", "130.211.0.0/22", "35.235.240.0/20"]
  target_tags   = [local.tag]

  allow {
    protocol = "tcp"
    ports    = ["22", "4646"]
  }
}
