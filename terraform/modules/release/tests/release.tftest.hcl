mock_provider "google" {}

variables {
  project     = "gateway-test"
  region      = "europe-west4"
  registry    = "images"
  environment = "prod"
  gitlab = {
    url     = "https://gitlab.example.com"
    project = "platform/gateway"
  }
}

run "only_protected_refs_of_one_project_and_environment" {
  command = plan

  assert {
    condition     = google_iam_workload_identity_pool_provider.gitlab.attribute_condition == "assertion.project_path == 'platform/gateway' && assertion.environment == 'prod' && assertion.ref_protected == 'true'"
    error_message = "Another project's job, another environment's, or one of an unprotected branch must not release."
  }
  assert {
    condition     = google_iam_workload_identity_pool_provider.gitlab.oidc[0].issuer_uri == "https://gitlab.example.com"
    error_message = "The tokens of that server."
  }
  assert {
    condition     = google_artifact_registry_repository_iam_member.push.role == "roles/artifactregistry.writer"
    error_message = "It pushes images; it does not administer the registry."
  }
}
