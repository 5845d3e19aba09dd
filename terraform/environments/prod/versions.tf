terraform {
  required_version = ">= 1.9"
  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "6.50.0"
    }
  }

  # The bucket is given on the command line: -backend-config=bucket=…
  backend "gcs" {
    prefix = "environment"
  }
}

provider "google" {
  project = var.project
  region  = var.region
}
