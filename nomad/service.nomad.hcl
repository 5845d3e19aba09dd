# Any application behind the gateway: what is its own stands in a small file of applications/.
#   nomad job run -preserve-counts -var environment=dev -var application=app-a nomad/service.nomad.hcl

variable "environment" {
  type        = string
  description = "A file of environments/: dev, acc or prod"
}

variable "application" {
  type        = string
  description = "A file of applications/, which is the name of the job, the service and the upstream too"
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
    program      = var.application # the file's name, for raw_exec
    image        = var.application # its name in the registry
    arguments    = []
    environment  = {}
    secret_files = []    # items of the Nomad variable nomad/jobs/NAME that become files; those in capitals are environment
    mutual_tls   = true  # serve TLS, for NAME.internal, and let in the gateways alone
    migrate      = false # run `PROGRAM migrate` before a replica starts
    host         = ""    # its routes are for HOST.DOMAIN
    routes       = []    # the gateway's routes[]; forward and hosts are filled in
    upstream     = {}    # options of the gateway's upstreams[] that are not as below
    # {name, program, arguments}: a second program, which the first one alone reaches, at 127.0.0.1 and the port
    # NOMAD_PORT_companion; environment and secrets are the same.
    companion = null
    scaling   = null # {min, max, requests_per_second}: replicas follow what the gateways count for its routes
    cpu       = 100
    memory    = 64

    datacenters         = ["*"]
    node_class          = "" # only on nodes of this class
    images              = "" # a registry and a path that ends in a slash
    domain              = "localhost"
    default_application = "" # whose routes hold for hosts that no route names
    replicas            = 1  # to begin with: -preserve-counts leaves them to the autoscaler afterwards
    max_replicas        = 10
    requests_per_second = null  # a replica's share here, whatever the application says
    cooldown            = "30s" # from one scaling to the next downwards
    healthy_deadline    = "1m"  # how long a new replica may take to be ready, and a release to make the next one so:
    progress_deadline   = "3m"  # after that the release before comes back
    route_filters       = []    # on each route of each application
    token_filters       = []    # on those of them that ask for a token
    upstreams           = {}    # as upstream, of all applications
    auto_promote        = true  # false: a healthy canary waits for `nomad deployment promote`
  }, yamldecode(file("nomad/environments/${var.environment}.yaml")), yamldecode(file("nomad/applications/${var.application}.yaml")), jsondecode(var.values))

  docker = var.driver == "docker"
  # The host's, or that of the group.
  docker_network = var.network_mode == "host" ? "host" : ""
  host           = var.network_mode == "host"
  image          = "${local.values.images}${local.values.image}:${var.release}"
  owner          = local.docker ? 65532 : null

  # With a network namespace of its own every address is its own.
  listen = local.host ? "${NOMAD_IP_http}:${NOMAD_PORT_http}" : ":${NOMAD_PORT_http}"
  probes = local.host ? "${NOMAD_IP_status}:${NOMAD_PORT_status}" : ":${NOMAD_PORT_status}"
  tls = !local.values.mutual_tls ? [] : ["--certificate", "${NOMAD_SECRETS_DIR}/certificate", "--key", "${NOMAD_SECRETS_DIR}/key",
  "--client-ca", "${NOMAD_SECRETS_DIR}/client_ca"]

  service = {
    name      = var.application
    image     = local.image
    program   = local.values.program
    arguments = concat(["--listen", local.listen, "--probe-listen", local.probes], local.tls, local.values.arguments)
    files     = concat(local.values.mutual_tls ? ["certificate", "key", "client_ca"] : [], local.values.secret_files)
    before    = []
  }
  # Before each replica; of several one migrates, the others wait and find it done.
  migrate = [for program in [local.values.program] : {
    name      = "migrate"
    image     = local.image
    program   = program
    arguments = ["migrate"]
    files     = local.values.secret_files
    before    = [{ sidecar = false }]
  } if local.values.migrate]
  companion = [for companion in [local.values.companion] : {
    name      = companion.name
    image     = "${local.values.images}${companion.name}:${var.release}"
    program   = companion.program
    arguments = companion.arguments
    files     = local.values.secret_files
    before    = [{ sidecar = true }]
  } if companion != null]

  # A replica is an endpoint from its start to the order to stop; the gateway asks whether it is ready.
  upstream = merge({
    name          = var.application
    mutual_tls    = local.values.mutual_tls
    timeouts      = { connect = "500ms", request = "15s", per_try = "5s" }
    retries       = { attempts = 2, budget = 0.2, statuses = [502, 503] }
    active_health = { path = "/readyz", interval = "1s" }
  }, local.values.upstreams, local.values.upstream)
  hosts = local.values.host == "" || var.application == local.values.default_application ? {} : { hosts = ["${local.values.host}.${local.values.domain}"] }
  routes = [for route in local.values.routes : merge({ forward = var.application }, local.hosts, route, {
    filters = concat(try(route.filters, []), local.values.route_filters,
    [for filter in local.values.token_filters : filter if contains([for own in try(route.filters, []) : own.type], "token")])
  })]
}

job "service" {
  id          = var.application
  name        = var.application
  type        = "service"
  datacenters = local.values.datacenters

  # One canary beside the replicas there are. It gets its share of the requests; when it is not healthy in
  # time, or a later replica is not, all of it goes back to the release before.
  update {
    max_parallel      = 1
    canary            = 1
    min_healthy_time  = "3s"
    healthy_deadline  = local.values.healthy_deadline
    progress_deadline = local.values.progress_deadline
    auto_revert       = true
    auto_promote      = local.values.auto_promote
  }

  group "service" {
    dynamic "constraint" {
      for_each = local.values.node_class == "" ? [] : [local.values.node_class]
      content {
        attribute = "${node.class}"
        value     = constraint.value
      }
    }
    count = local.values.replicas

    # From the moment that no gateway is told of it any more to its SIGTERM.
    shutdown_delay = "3s"

    network {
      mode = var.network_mode
      port "http" {
        host_network = "private"
      }
      port "status" {
        host_network = "private"
      }
      dynamic "port" {
        for_each = local.companion
        labels   = ["companion"]
        content {
          host_network = "private"
        }
      }
    }

    dynamic "scaling" {
      for_each = [for scaling in [local.values.scaling] : scaling if scaling != null]
      content {
        enabled = true
        min     = scaling.value.min
        max     = min(scaling.value.max, local.values.max_replicas)
        policy {
          evaluation_interval  = "5s"
          cooldown             = local.values.cooldown
          cooldown_on_scale_up = "5s"
          # An answer that is no number, as while fewer than half of the gateways are heard: all stays as it is.
          on_check_error = "fail"
          check "requests" {
            source       = "gateway"
            query_window = "instant"
            # Rounded up from a tenth of a replica's share on: 109 requests a second are still the work of one of 100.
            query = "sum(gateway_cluster_requests_per_second{route=~\"${join("|", [for route in local.values.routes : route.name])}\"}) / ${coalesce(local.values.requests_per_second, scaling.value.requests_per_second)} + 0.9"
            strategy "pass-through" {
              max_scale_down = "1"
            }
          }
        }
      }
    }

    restart {
      attempts = 3
      interval = "1m"
      delay    = "1s"
      mode     = "fail"
    }

    service {
      provider    = "nomad"
      name        = var.application
      port        = "http"
      tags        = concat(["http", "upstream=${jsonencode(local.upstream)}"], [for route in local.routes : "route=${jsonencode(route)}"])
      canary_tags = ["http"]
      check {
        name     = "ready"
        type     = "http"
        port     = "status"
        path     = "/readyz"
        interval = "2s"
        timeout  = "1s"
      }
      check {
        name     = "live"
        type     = "http"
        port     = "status"
        path     = "/healthz"
        interval = "10s"
        timeout  = "2s"
        check_restart {
          limit = 3
          grace = "30s"
        }
      }
    }

    service {
      provider = "nomad"
      name     = var.application
      port     = "status"
      tags     = ["metrics"]
    }

    dynamic "task" {
      for_each = concat(local.migrate, local.companion, [local.service])
      labels   = [task.value.name]
      content {
        driver       = var.driver
        user         = local.docker ? "65532" : ""
        kill_signal  = "SIGTERM"
        kill_timeout = "25s"

        dynamic "lifecycle" {
          for_each = task.value.before
          content {
            hook    = "prestart"
            sidecar = lifecycle.value.sidecar
          }
        }

        dynamic "config" {
          for_each = local.docker ? ["docker"] : []
          content {
            image           = task.value.image
            args            = task.value.arguments
            network_mode    = local.docker_network
            readonly_rootfs = true
            cap_drop        = ["all"]
            security_opt    = ["no-new-privileges"]
          }
        }

        dynamic "config" {
          for_each = local.docker ? [] : ["raw_exec"]
          content {
            command = "${var.programs}/${task.value.program}"
            args    = task.value.arguments
          }
        }

        env = local.values.environment

        template {
          data        = <<-ENVIRONMENT
            {{ with nomadVar "nomad/jobs/${var.application}" }}{{ range $name, $value := . }}{{ if $name | regexMatch "^[A-Z_]+$" -}}
            {{ $name }}={{ print $value | trimSpace | toJSON }}
            {{ end }}{{ end }}{{ end }}
          ENVIRONMENT
          destination = "secrets/environment"
          env         = true
          perms       = "0400"
        }

        # Certificates are read again when they change, a password at the next connection.
        dynamic "template" {
          for_each = task.value.files
          content {
            data        = "{{ with nomadVar \"nomad/jobs/${var.application}\" }}{{ .${template.value} }}{{ end }}\n"
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
}
