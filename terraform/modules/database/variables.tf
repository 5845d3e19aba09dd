variable "region" {
  type = string
}

variable "network" {
  type = string
}

variable "addresses" {
  description = "The name of the reserved range that the instance's address is of"
  type        = string
}

variable "tier" {
  type = string
}

variable "protected" {
  description = "A second zone that takes over, recovery to any second of the last week, and no deletion"
  type        = bool
}
