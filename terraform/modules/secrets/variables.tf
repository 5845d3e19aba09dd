variable "project" {
  type = string
}

variable "region" {
  type = string
}

variable "names" {
  type = set(string)
}

variable "readers" {
  description = "Members that read all of them, by a name of theirs"
  type        = map(string)
}
