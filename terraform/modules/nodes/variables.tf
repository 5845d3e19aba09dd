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

variable "nodes_range" {
  description = "The range of the subnetwork: who may speak to Nomad, and where the servers' addresses are"
  type        = string
}

variable "tools_bucket" {
  description = "The bucket that holds the program"
  type        = string
}

variable "nomad" {
  description = "The program as tools/install-tool made it: its name in the bucket, and its SHA-256"
  type = object({
    object = string
    sha256 = string
  })
  validation {
    condition     = can(regex("^[0-9a-f]{64}$", var.nomad.sha256))
    error_message = "A SHA-256 is 64 hexadecimal digits."
  }
}

variable "servers" {
  description = "One for a test, three to outlive one"
  type        = number
  validation {
    condition     = contains([1, 3, 5], var.servers)
    error_message = "A majority needs 1, 3 or 5 servers."
  }
}

variable "machine_type" {
  type = string
}

variable "min" {
  type = number
}

variable "max" {
  type = number
  validation {
    condition     = var.max > var.min && var.min >= 1
    error_message = "The group has room to grow: 1 <= min < max."
  }
}

variable "image" {
  description = "An image with cloud-init and apt. Google's Debian images have no cloud-init."
  type        = string
  default     = "ubuntu-os-cloud/ubuntu-2404-lts-amd64"
}
