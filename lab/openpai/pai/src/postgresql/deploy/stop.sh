#!/bin/bash
kubectl delete --ignore-not-found --now daemonset/postgresql-ds
