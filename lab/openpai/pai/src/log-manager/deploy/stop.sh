#!/bin/bash
kubectl delete --ignore-not-found --now daemonset/log-manager-ds
