#!/bin/bash
cd "$(dirname "$0")" || exit
/bin/bash stop.sh || exit
kubectl delete --ignore-not-found namespace pai-user pai-user-v2 pai-group pai-storage pai-user-token || exit
