#!/bin/bash
kubectl delete --ignore-not-found --now daemonset/internal-storage-create-ds
