#!/bin/bash
kubectl delete --ignore-not-found --cascade=foreground --grace-period=0 statefulset database-controller-sts || exit
kubectl delete --ignore-not-found clusterrolebinding database-controller-role-binding || exit
kubectl delete --ignore-not-found serviceaccount database-controller-account || exit
