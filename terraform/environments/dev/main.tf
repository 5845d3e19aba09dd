# Cheap, and gone when it is not needed. The overlay brings its own database. The one environment with Nomad.
module "environment" {
  source = "../../modules/environment"

  environment     = "dev"
  project         = var.project
  region          = var.region
  domain          = var.domain
  hosts           = ["hello", "jobs", "visitors"]
  gitlab          = var.gitlab
  release_channel = "REGULAR"
  protected       = false
  database_tier   = null

  ranges = {
    nodes         = "10.10.0.0/20"
    pods          = "10.12.0.0/16"
    services      = "10.11.0.0/20"
    control_plane = "10.10.240.0/28"
    databases     = "10.10.64.0/20"
  }

  node_pools = {
    apps = { machine_type = "e2-standard-2", min = 1, max = 3, spot = true }
  }

  nomad = var.nomad_program == null ? null : {
    servers      = 1
    machine_type = "e2-medium"
    min          = 1
    max          = 3
    program      = var.nomad_program
  }
}
