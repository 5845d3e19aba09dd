variable "project" {
  type = string
}

variable "region" {
  type = string
}

variable "registry" {
  type = string
}

variable "gitlab" {
  description = "Whose pipelines release here: the server, and the project's path on it"
  type = object({
    url     = string
    project = string
  })
}

variable "environment" {
  description = "Only jobs of this GitLab environment release, and only from protected branches and tags"
  type        = string
}
