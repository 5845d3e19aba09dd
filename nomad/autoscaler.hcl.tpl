log_level = "INFO"

http {
  bind_address = "{{ env "BIND_ADDRESS" }}"
  bind_port    = {{ env "NOMAD_PORT_http" }}
}

nomad {
  address = "{{ env "NOMAD_ADDRESS" }}"
}

# What applications name as the source of their checks.
apm "gateway" {
  driver = "prometheus"
  config = {
    address = "http://127.0.0.1:{{ env "NOMAD_PORT_reader" }}"
  }
}

apm "nomad-apm" {
  driver = "nomad-apm"
}

target "nomad-target" {
  driver = "nomad-target"
}

strategy "pass-through" {
  driver = "pass-through"
}

strategy "target-value" {
  driver = "target-value"
}
