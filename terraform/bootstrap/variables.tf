variable "environment" {
  description = "dev, acc or prod"
  type        = string
  validation {
    condition     = contains(["dev", "acc", "prod"], var.environment)
    error_message = "There are dev, acc and prod."
  }
}

variable "project" {
  description = "The project's id, new and unique in the world"
  type        = string
}

variable "folder" {
  description = "The number of the folder that the project is made in"
  type        = string
}

variable "billing_account" {
  type = string
}

variable "region" {
  type    = string
  default = "europe-west4"
}

variable "monthly_budget" {
  description = "In the billing account's currency; its administrators hear of 50, 90 and 100 % of it"
  type        = number
}
