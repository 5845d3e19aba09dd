{{/* The labels of every object. */}}
{{- define "gateway.labels" -}}
app.kubernetes.io/name: gateway
app.kubernetes.io/part-of: gateway
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version | replace "+" "_" }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "gateway.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ with .Values.image.digest }}@{{ . }}{{ end }}
{{- end }}

{{/* Seconds of a duration such as 250ms, 1.5m or 1m30s, rounded down. */}}
{{- define "gateway.seconds" -}}
{{- $units := dict "ns" 0.000000001 "us" 0.000001 "ms" 0.001 "s" 1.0 "m" 60.0 "h" 3600.0 -}}
{{- $seconds := 0.0 -}}
{{- range regexFindAll "[0-9.]+(ns|us|ms|s|m|h)" (toString .) -1 -}}
{{- $seconds = addf $seconds (mulf (regexFind "^[0-9.]+" . | float64) (get $units (regexFind "[a-z]+$" .))) -}}
{{- end -}}
{{- $seconds | floor | int -}}
{{- end }}

{{/* What no schema can say: two values that must fit one another. */}}
{{- define "gateway.check" -}}
{{- if and .Values.customMetrics.external (not .Values.customMetrics.enabled) }}
{{- fail "customMetrics.external needs customMetrics.enabled: one server serves both" }}
{{- end }}
{{- if and .Values.customMetrics.readersSecret (not .Values.customMetrics.enabled) }}
{{- fail "customMetrics.readersSecret needs customMetrics.enabled: there are no sums to read" }}
{{- end }}
{{- if and .Values.publishService .Values.publishAddresses }}
{{- fail "publishAddresses has no effect beside publishService: make that empty" }}
{{- end }}
{{- if and .Values.autoscaling.enabled (gt (int .Values.autoscaling.minReplicas) (int .Values.autoscaling.maxReplicas)) }}
{{- fail "autoscaling.minReplicas is more than autoscaling.maxReplicas" }}
{{- end }}
{{- $drain := dig "process" "drain" dict .Values.configuration }}
{{- $needed := add (include "gateway.seconds" ($drain.delay | default "5s")) (include "gateway.seconds" ($drain.deadline | default "30s")) }}
{{- if le (int .Values.terminationGracePeriodSeconds) (int $needed) }}
{{- fail (printf "terminationGracePeriodSeconds (%d) must be more than process.drain.delay and deadline together (%d s)" (int .Values.terminationGracePeriodSeconds) (int $needed)) }}
{{- end }}
{{- end }}

{{/* Something where Ingresses show the addresses of nodes: no others are named, and somebody writes them. */}}
{{- define "gateway.showsNodes" -}}
{{- $others := or .Values.publishService .Values.publishAddresses -}}
{{- range .Values.arguments -}}
{{- if regexMatch "^--(publish-service|publish-address|shadow)(=|$)" . -}}{{- $others = true -}}{{- end -}}
{{- end -}}
{{- if not $others }}yes{{ end -}}
{{- end }}

{{/* What is read and written of the Ingresses' side, in all namespaces or in one. */}}
{{- define "gateway.rules" -}}
- apiGroups: [networking.k8s.io]
  resources: [{{ first . }}]
  verbs: [get, list, watch]
- apiGroups: [networking.k8s.io]
  resources: [ingresses/status]
  verbs: [patch]
- apiGroups: [""]
  resources: [services, secrets, configmaps]
  verbs: [get, list, watch]
- apiGroups: [discovery.k8s.io]
  resources: [endpointslices]
  verbs: [get, list, watch]
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create]
{{- end }}
