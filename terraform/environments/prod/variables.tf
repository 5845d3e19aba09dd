# What differs between one company and another; what differs between environments is in main.tf.
variable "project" {
  description = "The id of the project that bootstrap/ made"
  type        = string
}

variable "region" {
  type    = string
  default = "europe-west4"
}

variable "domain" {
  description = "The zone that this environment serves names of"
  type        = string
}

variable "gitlab" {
  type = object({
    url     = string
    project = string
  })
}
