#!/bin/bash
cd "$(dirname "$0")" || exit
kubectl apply --overwrite=true -f frameworkcontroller-config.yaml || exit
kubectl apply --overwrite=true -f rbac.yaml || exit
kubectl apply --overwrite=true -f frameworkcontroller.yaml || exit
sleep 1
PYTHONPATH=../../../deployment python -m k8sPaiLibrary.monitorTool.check_pod_ready_status -w -k app -v frameworkcontroller || exit
