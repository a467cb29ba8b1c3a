#!/bin/bash
kubectl delete --ignore-not-found configmap runtime-exit-spec-configuration || exit
kubectl delete --ignore-not-found serviceaccount runtime-account || exit
kubectl delete --ignore-not-found clusterrolebinding runtime-framework-role-binding || exit
kubectl delete --ignore-not-found clusterrole runtime-framework-role || exit
kubectl delete --ignore-not-found --namespace pai-storage rolebinding runtime-storage-role-binding || exit
kubectl delete --ignore-not-found --namespace pai-storage role runtime-storage-role || exit
