variable "region" {
  type = string
}

variable "ranges" {
  description = "Ranges of addresses; none may overlap another"
  type = object({
    nodes         = string # machines
    pods          = string
    services      = string
    control_plane = string # a /28
    databases     = string
  })
  validation {
    condition     = alltrue([for each in values(var.ranges) : can(cidrhost(each, 0))])
    error_message = "Each range is a CIDR."
  }
  validation {
    condition     = endswith(var.ranges.control_plane, "/28")
    error_message = "Google wants a /28 for the control plane."
  }
}

variable "node_tag" {
  description = "The tag of the cluster's machines"
  type        = string
}

variable "metrics_api_port" {
  description = "Where the gateway's pods serve the custom metrics API: containerPort metrics-api of k8s/base/gateway"
  type        = number
}
