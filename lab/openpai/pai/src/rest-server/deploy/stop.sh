#!/bin/bash
kubectl delete --ignore-not-found daemonset rest-server-ds || exit
kubectl delete --ignore-not-found configmap group-configuration k8s-job-exit-spec-configuration || exit
kubectl delete --ignore-not-found clusterrolebinding rest-server-role-binding || exit
kubectl delete --ignore-not-found clusterrole rest-server-role || exit
kubectl delete --ignore-not-found serviceaccount rest-server-account || exit
