#!/bin/bash
cd "$(dirname "$0")" || exit
if kubectl get crd frameworks.frameworkcontroller.microsoft.com >/dev/null 2>&1; then
    kubectl delete --all frameworks || exit
    kubectl delete crd frameworks.frameworkcontroller.microsoft.com || exit
fi
/bin/bash stop.sh || exit
