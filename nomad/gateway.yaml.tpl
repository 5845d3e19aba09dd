{{- /*
  The gateway's configuration, from what is registered in Nomad. The tags of a service say what it wants, in the
  gateway's own format as JSON (service.nomad.hcl writes them):
    upstream={"name": …}   one that the gateway may ask; its other options are those of upstreams[]
    route={"name": …}      a route to it
    http                   this instance's port is an endpoint; canaries have it alone
  Of two with one name, as releases of one service during an update, one counts.
*/ -}}
{{- $own := "name mutual_tls" | split " " -}}
{{- $services := nomadServices -}}
{{- range $services }}{{ $service := .Name }}{{ range .Tags -}}
  {{- if . | regexMatch "^upstream=" }}{{ scratch.MapSetX "upstreams" $service (trimPrefix "upstream=" . | parseJSON) }}{{ end -}}
  {{- if . | regexMatch "^route=" }}{{ $route := trimPrefix "route=" . | parseJSON }}{{ scratch.MapSetX "routes" $route.name $route }}{{ end -}}
{{- end }}{{ end -}}
{{- /* Whom a route's filters ask may be away: then these requests are answered 503, and all else goes on. */ -}}
{{- range scratch.MapValues "routes" }}{{ range .filters }}{{ with .upstream -}}
  {{- scratch.MapSetX "upstreams" . (printf "{\"name\": %q, \"private\": true}" . | parseJSON) -}}
{{- end }}{{ end }}{{ end -}}
version: 1

process:
  drain: {delay: "${DRAIN_DELAY}", deadline: "${DRAIN_DEADLINE}"}

admin:
  address: "127.0.0.1:${NOMAD_PORT_admin}"
  token: {file: "${NOMAD_SECRETS_DIR}/admin_token"}

status:
  address: "${STATUS_LISTEN}"

access_log: {path: stdout, format: json}

cluster:
  listen: "${CLUSTER_LISTEN}"
  peers_file: "${NOMAD_TASK_DIR}/peers"
  token: {file: "${NOMAD_SECRETS_DIR}/cluster_token"}
  tls:
    certificate: "${NOMAD_SECRETS_DIR}/cluster_certificate"
    key: "${NOMAD_SECRETS_DIR}/cluster_key"
    client_ca: "${NOMAD_SECRETS_DIR}/gateway_ca"
    server_name: gateway.internal

listeners:
  - name: https
    address: "${HTTPS_LISTEN}"
    max_connections: {{ env "HTTPS_CONNECTIONS" }}
    trusted_proxies: {{ env "PROXIES" }}
    tls:
      certificates:
        - {certificate: "${NOMAD_SECRETS_DIR}/certificate", key: "${NOMAD_SECRETS_DIR}/key"}
  - name: http
    address: "${HTTP_LISTEN}"
    max_connections: {{ env "HTTP_CONNECTIONS" }}
    trusted_proxies: {{ env "PROXIES" }}

filters: {{ env "FILTERS" }}

upstreams:
{{- range scratch.MapValues "upstreams" }}{{ $found := false }}
  - name: {{ .name | toJSON }}
    endpoints:
{{- range nomadService .name }}{{ if in .Tags "http" }}{{ $found = true }}
      - "{{ .Address }}:{{ .Port }}"
{{- end }}{{ end }}{{ if not $found }}
      - "127.0.0.1:1" # nobody is there
{{- end }}
{{- range $option, $value := . }}{{ if not (in $own $option) }}
    {{ $option }}: {{ $value | toJSON }}
{{- end }}{{ end }}
{{- if .mutual_tls }}
    tls:
      ca: "${NOMAD_SECRETS_DIR}/internal_ca"
      server_name: {{ print .name ".internal" | toJSON }}
      certificate: "${NOMAD_SECRETS_DIR}/cluster_certificate"
      key: "${NOMAD_SECRETS_DIR}/cluster_key"
{{- end }}
{{- else }} []
{{- end }}

{{ $redirect := eq (env "PLAIN_HTTP") "redirect" -}}
routes:
{{- if $redirect }}
  - name: to-https
    listeners: [http]
    redirect: {scheme: https}
{{- else if not (scratch.MapValues "routes") }} []
{{- end }}
{{- range scratch.MapValues "routes" }}
  -
{{- range $option, $value := . }}
    {{ $option }}: {{ $value | toJSON }}
{{- end }}
{{- if $redirect }}
    listeners: [https]
{{- end }}
{{- end }}
