#!/bin/bash
kubectl delete --ignore-not-found daemonset webportal-ds
