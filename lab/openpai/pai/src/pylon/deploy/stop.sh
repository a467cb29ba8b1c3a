#!/bin/bash
kubectl delete --ignore-not-found daemonset pylon-ds || exit
kubectl delete --ignore-not-found service pylon || exit
kubectl delete --ignore-not-found configmap https-config pylon-config || exit
