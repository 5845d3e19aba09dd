# What must be there before an environment can be: its project, the APIs, and the bucket of its state. Applied
# once per environment by a person; its own state is a file (see README.md).
provider "google" {
  region = var.region
}

resource "google_project" "this" {
  name                = "gateway ${var.environment}"
  project_id          = var.project
  folder_id           = var.folder
  billing_account     = var.billing_account
  auto_create_network = false # the default one has open firewall rules
  deletion_policy     = var.environment == "prod" ? "PREVENT" : "DELETE"
}

resource "google_project_service" "this" {
  for_each = toset([
    "artifactregistry", "billingbudgets", "cloudresourcemanager", "compute", "container", "dns", "iam", "iamcredentials",
    "logging", "monitoring", "secretmanager", "servicenetworking", "serviceusage", "sqladmin", "storage", "sts",
  ])
  project            = google_project.this.project_id
  service            = "${each.key}.googleapis.com"
  disable_on_destroy = false
}

# Versions are kept: a broken state is mended by the one before.
resource "google_storage_bucket" "state" {
  project                     = google_project.this.project_id
  name                        = "${var.project}-state"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = false

  versioning {
    enabled = true
  }

  lifecycle_rule {
    action {
      type = "Delete"
    }
    condition {
      num_newer_versions = 50
    }
  }

  depends_on = [google_project_service.this]
}

# The programs that machines of the environment install: no machine fetches from the internet what is not signed.
resource "google_storage_bucket" "tools" {
  project                     = google_project.this.project_id
  name                        = "${var.project}-tools"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = var.environment != "prod"

  depends_on = [google_project_service.this]
}

resource "google_billing_budget" "this" {
  billing_account = var.billing_account
  display_name    = "gateway ${var.environment}"

  budget_filter {
    projects = ["projects/${google_project.this.number}"]
  }

  amount {
    specified_amount {
      units = tostring(var.monthly_budget)
    }
  }

  dynamic "threshold_rules" {
    for_each = [0.5, 0.9, 1.0]
    content {
      threshold_percent = threshold_rules.value
    }
  }

  depends_on = [google_project_service.this]
}
