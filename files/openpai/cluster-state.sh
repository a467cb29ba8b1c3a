#!/bin/sh
# What the cluster and the dev box have of OpenPAI, section by section (see tasks/reach/sections.py).
# Usage: cluster-state.sh KUBECONFIG CONFIGURATION_FOLDER [brief]: no more than tells whether services run
kubeconfig=$1 folder=$2 brief=${3:-}
unset http_proxy https_proxy ftp_proxy all_proxy no_proxy HTTP_PROXY HTTPS_PROXY FTP_PROXY ALL_PROXY NO_PROXY
kubectl() { command kubectl --request-timeout=20s --kubeconfig "$kubeconfig" "$@"; }
items() { printf '{range .items[*]}%s{"\\n"}{end}' "$1"; }
pushed() {
    for file in layout.yaml services-configuration.yaml config.yaml; do
        key=$(printf '%s' "$file" | sed 's/\./\\./g')
        sum=$(kubectl get configmap pai-configuration -o "jsonpath={.data.$key}" | sha256sum) && echo "${sum%% *} $file"
    done
}
local_files() {
    for file in layout.yaml services-configuration.yaml config.yaml; do
        [ ! -e "$folder/$file" ] || echo "$(sha256sum <"$folder/$file" | cut -c1-64) $file"
    done
}
# Of each kind the fields that it has: one line an object, so that a look costs one kubectl.
section objects kubectl get nodes,daemonsets,deployments,statefulsets,cronjobs,configmaps,secrets,services,namespaces,priorityclasses --all-namespaces -o "jsonpath=$(items '{.kind}/{.metadata.namespace}/{.metadata.name}|{.metadata.generation}|{.status.observedGeneration}|{.status.desiredNumberScheduled}{.spec.replicas}|{.status.numberReady}{.status.readyReplicas}|{.status.updatedNumberScheduled}{.status.updatedReplicas}|{range .spec.template.spec.initContainers[*]}{.image} {end}{range .spec.template.spec.containers[*]}{.image} {end}{range .spec.jobTemplate.spec.template.spec.containers[*]}{.image} {end}|{range .spec.template.spec.volumes[*]}{.configMap.name} {end}|{.metadata.labels.pai-master}|{.metadata.labels.pai-worker}')"
if [ -z "$brief" ]; then
    section configmaps kubectl get configmaps -o "jsonpath=$(items '{.metadata.name}|{.metadata.managedFields[*].time}')"
    section pods kubectl get pods -o "jsonpath=$(items '{.metadata.ownerReferences[0].name}|{.metadata.creationTimestamp}')"
    section pushed pushed
    section files local_files
    # shellcheck disable=SC2016  # a template's own variables
    section started kubectl get configmap openpai-deploy -o 'go-template={{range $name, $sum := .data}}{{$name}} {{$sum}}{{"\n"}}{{end}}'
    section cluster_id kubectl get configmap pai-cluster-id -o 'jsonpath={.data.cluster-id}'
fi
