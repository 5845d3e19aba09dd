# The identity that releases: a job of the pipeline shows its GitLab token and is this account for an hour.
# There is no key to keep or lose.
resource "google_service_account" "release" {
  project      = var.project
  account_id   = "release"
  display_name = "The pipeline, while it releases"
}

resource "google_iam_workload_identity_pool" "gitlab" {
  project                   = var.project
  workload_identity_pool_id = "gitlab"
}

resource "google_iam_workload_identity_pool_provider" "gitlab" {
  project                            = var.project
  workload_identity_pool_id          = google_iam_workload_identity_pool.gitlab.workload_identity_pool_id
  workload_identity_pool_provider_id = "gitlab"

  attribute_mapping = {
    "google.subject"         = "assertion.sub"
    "attribute.project_path" = "assertion.project_path"
  }
  attribute_condition = join(" && ", [
    "assertion.project_path == '${var.gitlab.project}'",
    "assertion.environment == '${var.environment}'",
    "assertion.ref_protected == 'true'",
  ])

  oidc {
    issuer_uri        = var.gitlab.url
    allowed_audiences = [var.gitlab.url]
  }
}

resource "google_service_account_iam_member" "gitlab" {
  service_account_id = google_service_account.release.name
  role               = "roles/iam.workloadIdentityUser"
  member             = "principalSet://iam.googleapis.com/${google_iam_workload_identity_pool.gitlab.name}/attribute.project_path/${var.gitlab.project}"
}

# Administrator of what is in the cluster: the overlays hold ClusterRoles, which nobody less may write.
resource "google_project_iam_member" "cluster" {
  project = var.project
  role    = "roles/container.admin"
  member  = google_service_account.release.member
}

resource "google_artifact_registry_repository_iam_member" "push" {
  project    = var.project
  location   = var.region
  repository = var.registry
  role       = "roles/artifactregistry.writer"
  member     = google_service_account.release.member
}
