variable "project" {
  type = string
}

variable "region" {
  type = string
}

variable "network" {
  type = string
}

variable "subnetwork" {
  type = string
}

variable "control_plane_range" {
  type = string
}

variable "node_tag" {
  type = string
}

variable "release_channel" {
  type = string
}

variable "deletion_protection" {
  type = bool
}

variable "node_pools" {
  description = "By name; min and max are machines of the whole region, not of a zone"
  type = map(object({
    machine_type = string
    min          = number
    max          = number
    spot         = bool
  }))
  validation {
    condition     = alltrue([for each in values(var.node_pools) : each.min >= 1 && each.max > each.min])
    error_message = "A pool has room to grow: 1 <= min < max."
  }
}
