#!/bin/bash
cd "$(dirname "$0")" || exit
/bin/bash stop.sh || exit
kubectl delete --ignore-not-found namespace pai-storage || exit
