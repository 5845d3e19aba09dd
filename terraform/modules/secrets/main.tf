# Places for secrets, and who reads them. Values are written by people and programs (see README.md), never here:
# whoever reads a state would read them.
resource "google_secret_manager_secret" "this" {
  for_each = var.names

  project   = var.project
  secret_id = each.key

  replication {
    user_managed {
      replicas {
        location = var.region
      }
    }
  }
}

resource "google_secret_manager_secret_iam_member" "readers" {
  for_each = {
    for pair in setproduct(var.names, keys(var.readers)) : "${pair[0]}/${pair[1]}" => { secret = pair[0], reader = pair[1] }
  }

  project   = var.project
  secret_id = google_secret_manager_secret.this[each.value.secret].secret_id
  role      = "roles/secretmanager.secretAccessor"
  member    = var.readers[each.value.reader]
}
