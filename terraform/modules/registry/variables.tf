variable "project" {
  type = string
}

variable "region" {
  type = string
}

variable "readers" {
  description = "Members that pull, by a name of theirs"
  type        = map(string)
}
