# What the autoscaler's own identity may do, where Nomad has ACLs:
#   nomad acl policy apply -namespace default -job autoscaler autoscaler nomad/autoscaler-policy.hcl
namespace "default" {
  policy       = "scale"
  capabilities = ["read-job", "list-scaling-policies", "read-scaling-policy", "scale-job"]
}
