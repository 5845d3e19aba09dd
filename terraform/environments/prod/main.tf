# Three zones, nothing that can be deleted by mistake.
module "environment" {
  source = "../../modules/environment"

  environment     = "prod"
  project         = var.project
  region          = var.region
  domain          = var.domain
  hosts           = ["hello", "jobs", "visitors"]
  gitlab          = var.gitlab
  release_channel = "STABLE"
  protected       = true
  database_tier   = "db-custom-2-7680"
  nomad           = null

  ranges = {
    nodes         = "10.30.0.0/20"
    pods          = "10.32.0.0/16"
    services      = "10.31.0.0/20"
    control_plane = "10.30.240.0/28"
    databases     = "10.30.64.0/20"
  }

  node_pools = {
    apps = { machine_type = "e2-standard-2", min = 3, max = 9, spot = false }
  }
}
