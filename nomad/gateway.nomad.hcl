# The gateway on every node: the only job with ports on the public network. What it serves, and where that is,
# it learns from Nomad's own service discovery (gateway.yaml.tpl); a new application needs no change here.
#   nomad job run -var environment=dev nomad/gateway.nomad.hcl

variable "environment" {
  type        = string
  description = "A file of environments/: dev, acc or prod"
}

variable "driver" {
  type        = string
  default     = "docker"
  description = "docker, or raw_exec where there is no container runtime"
}

variable "network_mode" {
  type        = string
  default     = "host"
  description = "host or bridge"
}

variable "release" {
  type        = string
  default     = "0.1.0"
  description = "Tag of the images: never latest"
}

variable "programs" {
  type        = string
  default     = "/usr/local/bin"
  description = "raw_exec: the folder of the programs"
}

variable "values" {
  type        = string
  default     = "{}"
  description = "Values for this once, as JSON: they win over those of files"
}

locals {
  values = merge({
    datacenters = ["*"]
    node_class  = "" # only on nodes of this class
    images      = "" # a registry and a path that ends in a slash
    http_port   = 80
    https_port  = 443
    # Ranges of the load balancer before the gateways: whose X-Forwarded-For is believed.
    trusted_proxies = []
    plain_http      = "redirect" # to HTTPS, or: serve
    # Seconds from the order to stop to the end of listening, which is what a load balancer needs to notice, and from
    # there to the end of the last request.
    drain_delay     = 5
    drain_deadline  = 20
    max_connections = { https = 0, http = 0 } # 0: as many as there are descriptors
    filters         = []                      # on every route, whoever brings it
    cpu             = 500
    memory          = 256
  }, yamldecode(file("nomad/environments/${var.environment}.yaml")), jsondecode(var.values))

  docker = var.driver == "docker"
  # The host's, or that of the group.
  docker_network = var.network_mode == "host" ? "host" : ""
  # With a network namespace of its own every address is its own.
  host = { for name in ["http", "https", "cluster", "status"] : name => var.network_mode == "host" ? "$${NOMAD_IP_${name}}" : "" }
  # Ports below 1024 are root's in the host's namespace, here a root without capabilities but that one.
  user  = !local.docker ? "" : min(local.values.http_port, local.values.https_port) < 1024 ? "0" : "65532"
  owner = local.user == "" ? null : parseint(local.user, 10)
  # Items of the Nomad variable nomad/jobs/gateway, each a file in the secrets directory: put-secrets.
  secrets = ["certificate", "key", "internal_ca", "gateway_ca", "cluster_certificate", "cluster_key", "admin_token", "cluster_token"]
}

job "gateway" {
  type        = "system"
  datacenters = local.values.datacenters
  priority    = 80

  # Node by node; a release that does not become ready goes back by itself.
  update {
    max_parallel      = 1
    min_healthy_time  = "5s"
    healthy_deadline  = "1m"
    progress_deadline = "3m"
    auto_revert       = true
  }

  group "gateway" {
    dynamic "constraint" {
      for_each = local.values.node_class == "" ? [] : [local.values.node_class]
      content {
        attribute = "${node.class}"
        value     = constraint.value
      }
    }
    network {
      mode = var.network_mode
      port "http" {
        static       = local.values.http_port
        host_network = "public"
      }
      port "https" {
        static       = local.values.https_port
        host_network = "public"
      }
      port "cluster" {
        host_network = "private"
      }
      port "status" {
        host_network = "private"
      }
      port "admin" {
        host_network = "private"
      }
    }

    restart {
      attempts = 5
      interval = "2m"
      delay    = "2s"
      mode     = "delay"
    }

    service {
      provider = "nomad"
      name     = "gateway"
      port     = "status"
      tags     = ["metrics"]
      check {
        type     = "http"
        path     = "/readyz"
        interval = "2s"
        timeout  = "1s"
      }
    }

    # Peers find one another by it, and the autoscaler its numbers.
    service {
      provider = "nomad"
      name     = "gateway-cluster"
      port     = "cluster"
    }

    task "gateway" {
      driver       = var.driver
      user         = local.user
      kill_signal  = "SIGTERM"
      kill_timeout = "${local.values.drain_delay + local.values.drain_deadline + 5}s"

      dynamic "config" {
        for_each = local.docker ? ["docker"] : []
        content {
          image           = "${local.values.images}gateway:${var.release}"
          args            = ["--config", "${NOMAD_TASK_DIR}/gateway.yaml"]
          network_mode    = local.docker_network
          readonly_rootfs = true
          cap_drop        = ["all"]
          cap_add         = local.user == "0" ? ["net_bind_service"] : []
          security_opt    = ["no-new-privileges"]
        }
      }

      dynamic "config" {
        for_each = local.docker ? [] : ["raw_exec"]
        content {
          command = "${var.programs}/gateway"
          args    = ["--config", "${NOMAD_TASK_DIR}/gateway.yaml"]
        }
      }

      env {
        HTTP_LISTEN       = "${local.host.http}:${NOMAD_PORT_http}"
        HTTPS_LISTEN      = "${local.host.https}:${NOMAD_PORT_https}"
        CLUSTER_LISTEN    = "${local.host.cluster}:${NOMAD_PORT_cluster}"
        STATUS_LISTEN     = "${local.host.status}:${NOMAD_PORT_status}"
        PLAIN_HTTP        = local.values.plain_http
        PROXIES           = jsonencode(local.values.trusted_proxies)
        FILTERS           = jsonencode(concat([{ type = "request_id" }], local.values.filters))
        HTTP_CONNECTIONS  = local.values.max_connections.http
        HTTPS_CONNECTIONS = local.values.max_connections.https
        DRAIN_DELAY       = "${local.values.drain_delay}s"
        DRAIN_DEADLINE    = "${local.values.drain_deadline}s"
      }

      template {
        data          = file("nomad/gateway.yaml.tpl")
        destination   = "local/gateway.yaml"
        change_mode   = "signal"
        change_signal = "SIGHUP"
      }

      template {
        data        = <<-PEERS
          {{ range nomadService "gateway-cluster" }}{{ .Address }}:{{ .Port }}
          {{ end }}
        PEERS
        destination = "local/peers"
        change_mode = "noop" # read again when it changes, as all files of the gateway are
      }

      dynamic "template" {
        for_each = local.secrets
        content {
          data        = "{{ with nomadVar \"nomad/jobs/gateway\" }}{{ .${template.value} }}{{ end }}\n"
          destination = "secrets/${template.value}"
          perms       = "0400"
          uid         = local.owner
          gid         = local.owner
          change_mode = "noop"
        }
      }

      resources {
        cpu    = local.values.cpu
        memory = local.values.memory
      }
    }
  }
}
