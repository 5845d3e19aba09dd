# Production's shape and limits, so that what is accepted is what will run; on machines that may be taken away,
# and with a smaller database of one zone.
module "environment" {
  source = "../../modules/environment"

  environment     = "acc"
  project         = var.project
  region          = var.region
  domain          = var.domain
  hosts           = ["hello", "jobs", "visitors"]
  gitlab          = var.gitlab
  release_channel = "REGULAR"
  protected       = false
  database_tier   = "db-custom-1-3840"
  nomad           = null

  ranges = {
    nodes         = "10.20.0.0/20"
    pods          = "10.22.0.0/16"
    services      = "10.21.0.0/20"
    control_plane = "10.20.240.0/28"
    databases     = "10.20.64.0/20"
  }

  node_pools = {
    apps = { machine_type = "e2-standard-2", min = 2, max = 6, spot = true }
  }
}
