mock_provider "google" {}

variables {
  project = "gateway-test"
  region  = "europe-west4"
  readers = { cluster = "serviceAccount:cluster-nodes@gateway-test.iam.gserviceaccount.com" }
}

run "versions_are_final_and_pulled_by_machines" {
  command = plan

  assert {
    condition     = google_artifact_registry_repository.images.docker_config[0].immutable_tags
    error_message = "A tag never moves."
  }
  assert {
    condition     = google_artifact_registry_repository_iam_member.readers["cluster"].role == "roles/artifactregistry.reader"
    error_message = "Machines pull, and do no more."
  }
  assert {
    condition     = output.address == "europe-west4-docker.pkg.dev/gateway-test/images"
    error_message = "What the pipeline puts before an image's name."
  }
}
