{{- define "graphsvc.labels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "graphsvc.selector" -}}
app.kubernetes.io/name: {{ .root.Chart.Name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "graphsvc.name" -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 50 | trimSuffix "-" }}
{{- end }}

{{/* Names that the API is asked by: those of its service, and of the ingress. */}}
{{- define "graphsvc.hosts" -}}
{{- $service := printf "%s-api" (include "graphsvc.name" .) -}}
{{- $names := list $service (printf "%s.%s" $service .Release.Namespace) (printf "%s.%s.svc" $service .Release.Namespace) -}}
{{- join "," (ternary (append $names .Values.ingress.host) $names .Values.ingress.enabled) -}}
{{- end }}

{{/* A pod of the service. Arguments: root, component, part (its values), args. */}}
{{- define "graphsvc.pod" -}}
metadata:
  labels:
    {{- include "graphsvc.selector" . | nindent 4 }}
spec:
  automountServiceAccountToken: false
  terminationGracePeriodSeconds: {{ add (ceil .root.Values.drainSeconds) .root.Values.shutdownSeconds 5 }}
  securityContext:
    runAsNonRoot: true
    runAsUser: 10001
    fsGroup: 10001
    seccompProfile: {type: RuntimeDefault}
  {{- with .root.Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .root.Values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .root.Values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- if and (eq .root.Values.persistence.accessMode "ReadWriteOnce") (eq .component "scheduler") }}
  # The volume can be on one node only, where the API is.
  affinity:
    podAffinity:
      requiredDuringSchedulingIgnoredDuringExecution:
        - topologyKey: kubernetes.io/hostname
          labelSelector:
            matchLabels:
              {{- include "graphsvc.selector" (dict "root" .root "component" "api") | nindent 14 }}
  {{- end }}
  containers:
    - name: graphsvc
      image: "{{ .root.Values.image.repository }}:{{ .root.Values.image.tag | default .root.Chart.AppVersion }}"
      imagePullPolicy: {{ .root.Values.image.pullPolicy }}
      args:
        {{- toYaml .args | nindent 8 }}
      env:
        - name: GRAPHSVC_NEO4J_URI
          value: {{ .root.Values.neo4j.uri | quote }}
        {{- with .root.Values.neo4j.database }}
        - name: GRAPHSVC_NEO4J_DATABASE
          value: {{ . | quote }}
        {{- end }}
        - name: GRAPHSVC_NEO4J_USER_FILE
          value: /secrets/neo4j/user
        - name: GRAPHSVC_NEO4J_PASSWORD_FILE
          value: /secrets/neo4j/password
        - name: GRAPHSVC_DRAIN_SECONDS
          value: {{ .root.Values.drainSeconds | quote }}
        - name: GRAPHSVC_SHUTDOWN_SECONDS
          value: {{ .root.Values.shutdownSeconds | quote }}
        {{- if and (eq .component "api") (not (hasKey .part.env "GRAPHSVC_ALLOWED_HOSTS")) }}
        - name: GRAPHSVC_ALLOWED_HOSTS
          value: {{ include "graphsvc.hosts" .root | quote }}
        {{- end }}
        {{- range $name, $value := .part.env }}
        - name: {{ $name }}
          value: {{ $value | quote }}
        {{- end }}
      ports:
        - {name: http, containerPort: 8000}
      # The database may be away for a while: the process is alive then, and not ready.
      startupProbe:
        httpGet: {path: /healthz, port: http}
        periodSeconds: 5
        failureThreshold: 60
      livenessProbe:
        httpGet: {path: /healthz, port: http}
        periodSeconds: 20
        timeoutSeconds: 5
        failureThreshold: 6
      readinessProbe:
        httpGet: {path: /readyz, port: http}
        periodSeconds: 5
        timeoutSeconds: 5
      resources:
        {{- toYaml .part.resources | nindent 8 }}
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities: {drop: [ALL]}
      volumeMounts:
        - {name: data, mountPath: /data}
        - {name: tmp, mountPath: /tmp}
        - {name: neo4j, mountPath: /secrets/neo4j, readOnly: true}
  volumes:
    - name: data
      persistentVolumeClaim:
        claimName: {{ .root.Values.persistence.existingClaim | default (include "graphsvc.name" .root) }}
    - name: tmp
      emptyDir: {}
    - name: neo4j
      secret:
        secretName: {{ .root.Values.neo4j.existingSecret }}
        defaultMode: 0440
{{- end }}
