#!/bin/sh
# What the nodes have to give, and what pods request of them, a line each. Usage: hardware.sh KUBECONFIG
kubeconfig=$1
unset http_proxy https_proxy ftp_proxy all_proxy no_proxy HTTP_PROXY HTTPS_PROXY FTP_PROXY ALL_PROXY NO_PROXY
section objects kubectl --request-timeout=20s --kubeconfig "$kubeconfig" get nodes,pods --all-namespaces -o 'jsonpath={range .items[*]}{.kind}|{.metadata.namespace}|{.metadata.name}|{.status.allocatable.cpu}|{.status.allocatable.memory}|{.status.allocatable.nvidia\.com/gpu}|{.status.allocatable.amd\.com/gpu}|{.status.allocatable.enflame\.com/dtu}|{.spec.nodeName}|{range .spec.containers[*]}{.resources.requests.cpu},{.resources.requests.memory} {end}{"\n"}{end}'
