{{- /*
  Beside the autoscaler: a gateway that passes its questions on to the cluster listeners of all others, to one that
  answers. The autoscaler of 0.5.0 never looks at a policy again after one refused connection, so it is to see
  none: this one answers 503 while nobody knows the numbers.
*/ -}}
version: 1

process:
  workers: 1
  drain: {delay: 0s, deadline: 5s}

access_log: {path: off}

listeners:
  - name: reader
    address: "127.0.0.1:${NOMAD_PORT_reader}"

upstreams:
  - name: gateways
    endpoints:
{{- range nomadService "gateway-cluster" }}
      - "{{ .Address }}:{{ .Port }}"
{{- else }}
      - "127.0.0.1:1" # nobody is there
{{- end }}
    tls:
      ca: "${NOMAD_SECRETS_DIR}/gateway_ca"
      server_name: gateway.internal
    timeouts: {connect: 500ms, request: 5s}
    active_health: {path: /healthz, interval: 1s}

filters:
  - type: header_edits
    request: {set: {Authorization: "Bearer {{ with nomadVar "nomad/jobs/autoscaler" }}{{ print .cluster_token | trimSpace }}{{ end }}"}}

# What the autoscaler asks, as it asks: nothing else is to have the token.
routes:
  - name: query
    match: {path: /api/v1/query, methods: [GET, POST]}
    forward: gateways
  - name: query-range
    match: {path: /api/v1/query_range, methods: [GET, POST]}
    forward: gateways
