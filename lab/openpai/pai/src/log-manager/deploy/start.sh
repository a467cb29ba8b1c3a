#!/bin/bash
cd "$(dirname "$0")" || exit
kubectl apply --overwrite=true -f log-manager.yaml || exit
PYTHONPATH=../../../deployment python -m k8sPaiLibrary.monitorTool.check_pod_ready_status -w -k app -v log-manager || exit
