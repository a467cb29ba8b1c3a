#!/bin/bash
cd "$(dirname "$0")" || exit
kubectl apply --overwrite=true -f rbac.yaml || exit
kubectl create configmap runtime-exit-spec-configuration --from-file=runtime-exit-spec.yaml --dry-run=client -o yaml |
    kubectl apply --overwrite=true -f - || exit
