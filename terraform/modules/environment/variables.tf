variable "environment" {
  description = "dev, acc or prod: the overlay of k8s/ and the environment of the pipeline"
  type        = string
}

variable "project" {
  type = string
}

variable "region" {
  type = string
}

variable "domain" {
  type = string
}

variable "hosts" {
  type = set(string)
}

variable "gitlab" {
  type = object({
    url     = string
    project = string
  })
}

variable "ranges" {
  type = object({
    nodes         = string
    pods          = string
    services      = string
    control_plane = string
    databases     = string
  })
}

variable "metrics_api_port" {
  type    = number
  default = 6443
}

variable "release_channel" {
  type = string
}

variable "node_pools" {
  type = map(object({
    machine_type = string
    min          = number
    max          = number
    spot         = bool
  }))
}

variable "protected" {
  description = "Whether databases and cluster are safe from deletion, and the database has a second zone"
  type        = bool
}

variable "database_tier" {
  description = "null where the overlay brings a database of its own"
  type        = string
}

variable "nomad" {
  description = "The same apps on Nomad, beside the cluster; null for none"
  type = object({
    servers      = number
    machine_type = string
    min          = number
    max          = number
    program = object({
      object = string
      sha256 = string
    })
  })
}
