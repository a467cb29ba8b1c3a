#!/bin/bash
kubectl delete --ignore-not-found --cascade=foreground --grace-period=0 statefulset frameworkcontroller-sts || exit
kubectl delete --ignore-not-found configmap frameworkcontroller-config || exit
kubectl delete --ignore-not-found clusterrolebinding frameworkcontroller-role-binding || exit
kubectl delete --ignore-not-found serviceaccount frameworkcontroller-account || exit
