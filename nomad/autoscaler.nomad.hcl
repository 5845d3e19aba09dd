# The Nomad Autoscaler, which reads the gateways' sums and sets the counts of jobs with a `scaling` block.
#   nomad job run -var environment=dev nomad/autoscaler.nomad.hcl

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
    datacenters        = ["*"]
    system_node_class  = "" # only on nodes of this class
    images             = "" # a registry and a path that ends in a slash
    autoscaler_image   = "docker.io/hashicorp/nomad-autoscaler:0.5.0"
    autoscaler_program = "/usr/local/bin/nomad-autoscaler" # raw_exec
    # Nomad's API: the task's own socket, with the job's own identity.
    nomad_address = "unix://${NOMAD_SECRETS_DIR}/api.sock"
  }, yamldecode(file("nomad/environments/${var.environment}.yaml")), jsondecode(var.values))

  docker = var.driver == "docker"
  # The host's, or that of the group.
  docker_network = var.network_mode == "host" ? "host" : ""
  owner          = local.docker ? 65532 : null
}

job "autoscaler" {
  type        = "service"
  datacenters = local.values.datacenters

  update {
    min_healthy_time = "3s"
    healthy_deadline = "1m"
    auto_revert      = true
  }

  group "autoscaler" {
    dynamic "constraint" {
      for_each = local.values.system_node_class == "" ? [] : [local.values.system_node_class]
      content {
        attribute = "${node.class}"
        value     = constraint.value
      }
    }

    network {
      mode = var.network_mode
      port "http" {
        host_network = "private"
      }
      port "reader" {
        host_network = "private"
      }
    }

    # Both live and end together: see reader.yaml.tpl.
    restart {
      attempts = 0
      mode     = "fail"
    }
    reschedule {
      delay          = "5s"
      delay_function = "constant"
      unlimited      = true
    }

    service {
      provider = "nomad"
      name     = "autoscaler"
      port     = "http"
      check {
        type     = "http"
        path     = "/v1/health"
        interval = "5s"
        timeout  = "1s"
      }
    }

    task "reader" {
      driver      = var.driver
      user        = local.docker ? "65532" : ""
      kill_signal = "SIGTERM"

      lifecycle {
        hook    = "prestart"
        sidecar = true
      }

      dynamic "config" {
        for_each = local.docker ? ["docker"] : []
        content {
          image           = "${local.values.images}gateway:${var.release}"
          args            = ["--config", "${NOMAD_SECRETS_DIR}/reader.yaml"]
          network_mode    = local.docker_network
          readonly_rootfs = true
          cap_drop        = ["all"]
          security_opt    = ["no-new-privileges"]
        }
      }

      dynamic "config" {
        for_each = local.docker ? [] : ["raw_exec"]
        content {
          command = "${var.programs}/gateway"
          args    = ["--config", "${NOMAD_SECRETS_DIR}/reader.yaml"]
        }
      }

      template {
        data          = file("nomad/reader.yaml.tpl")
        destination   = "secrets/reader.yaml"
        perms         = "0400"
        uid           = local.owner
        gid           = local.owner
        change_mode   = "signal"
        change_signal = "SIGHUP"
      }

      template {
        data        = "{{ with nomadVar \"nomad/jobs/autoscaler\" }}{{ .gateway_ca }}{{ end }}\n"
        destination = "secrets/gateway_ca"
        perms       = "0400"
        uid         = local.owner
        gid         = local.owner
        change_mode = "noop"
      }

      resources {
        cpu    = 50
        memory = 64
      }
    }

    task "autoscaler" {
      driver = var.driver
      user   = local.docker ? "65532" : ""

      dynamic "config" {
        for_each = local.docker ? ["docker"] : []
        content {
          image           = local.values.autoscaler_image
          command         = "nomad-autoscaler"
          args            = ["agent", "-config", "${NOMAD_TASK_DIR}/autoscaler.hcl"]
          network_mode    = local.docker_network
          readonly_rootfs = true
          cap_drop        = ["all"]
          security_opt    = ["no-new-privileges"]
        }
      }

      dynamic "config" {
        for_each = local.docker ? [] : ["raw_exec"]
        content {
          command = local.values.autoscaler_program
          args    = ["agent", "-config", "${NOMAD_TASK_DIR}/autoscaler.hcl"]
        }
      }

      # What it may do where there are ACLs: autoscaler-policy.hcl.
      identity {
        env = true
      }

      env {
        BIND_ADDRESS  = var.network_mode == "host" ? "${NOMAD_IP_http}" : "0.0.0.0"
        NOMAD_ADDRESS = local.values.nomad_address
      }

      template {
        data        = file("nomad/autoscaler.hcl.tpl")
        destination = "local/autoscaler.hcl"
      }

      resources {
        cpu    = 100
        memory = 128
      }
    }
  }
}
