#!/bin/sh
# What the cluster and the dev box have of OpenPAI, section by section (see tasks/reach/sections.py).
# Usage: cluster-state.sh KUBECONFIG CONFIGURATION_FOLDER [brief]: no more than tells whether services run
# A kubectl costs 50 ms of processor time before it asks anything: one for all objects, one for what their data are.
kubeconfig=$1 folder=$2 brief=${3:-}
unset http_proxy https_proxy ftp_proxy all_proxy no_proxy HTTP_PROXY HTTPS_PROXY FTP_PROXY ALL_PROXY NO_PROXY
kubectl() { command kubectl --request-timeout=20s --kubeconfig "$kubeconfig" "$@"; }
kinds=nodes,daemonsets,deployments,statefulsets,cronjobs,configmaps,secrets,services,namespaces,priorityclasses
# Of each kind the fields that it has: one line an object.
fields='{.kind}/{.metadata.namespace}/{.metadata.name}|{.metadata.generation}|{.status.observedGeneration}|{.status.desiredNumberScheduled}{.spec.replicas}|{.status.numberReady}{.status.readyReplicas}|{.status.updatedNumberScheduled}{.status.updatedReplicas}|{range .spec.template.spec.initContainers[*]}{.image} {end}{range .spec.template.spec.containers[*]}{.image} {end}{range .spec.jobTemplate.spec.template.spec.containers[*]}{.image} {end}|{range .spec.template.spec.volumes[*]}{.configMap.name} {end}|{.metadata.labels.pai-master}|{.metadata.labels.pai-worker}'
# When a configmap was written, and whose a pod is and since when.
ages='|{.metadata.managedFields[*].time}|{.metadata.ownerReferences[0].name}|{.metadata.creationTimestamp}'
# ConfigMap/key and its value, or of OpenPAI's configuration, which has passwords, the sum.
# shellcheck disable=SC2016  # a template's and awk's own variables
data() {
    kubectl get configmap pai-configuration openpai-deploy pai-cluster-id --ignore-not-found \
        -o 'go-template={{range .items}}{{$of := .metadata.name}}{{range $name, $value := .data}}{{$of}}/{{$name}}{{"\x1e"}}{{$value}}{{"\x1e"}}{{end}}{{end}}' |
        awk 'BEGIN { RS = "\036"; ORS = "" }
            NR % 2 { name = $0; next }
            name ~ /^pai-configuration\// { sum = "sha256sum | sed \"s| .*||; s|^|" name " |\""; fflush(); print | sum; close(sum); next }
            { print name " " $0 "\n" }'
}
local_files() {
    for file in layout.yaml services-configuration.yaml config.yaml; do
        [ ! -e "$folder/$file" ] || echo "$(sha256sum <"$folder/$file" | cut -c1-64) $file"
    done
}
[ -n "$brief" ] || kinds=$kinds,pods fields=$fields$ages
section objects kubectl get "$kinds" --all-namespaces -o "jsonpath={range .items[*]}$fields{\"\\n\"}{end}"
if [ -z "$brief" ]; then
    section data data
    section files local_files
fi
