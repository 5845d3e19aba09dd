variable "region" {
  type = string
}

variable "domain" {
  description = "The zone; the parent's owner delegates it once to the name servers that are given out"
  type        = string
}

variable "hosts" {
  description = "Names within the zone that lead to the gateway"
  type        = set(string)
}
