# shellcheck shell=dash disable=SC2086
# What a control plane lacks whose API server answers $1 already, a line each. Components ($2 and on) lead while they renew
# their leases; the controller manager makes the service account without which a namespace takes no pods.
kubectl=$1
shift
columns='{range .items[*]}{.metadata.name} {.spec.leaseDurationSeconds} {.spec.renewTime}{"\n"}{end}'
leases=$($kubectl get leases -n kube-system -o "jsonpath=$columns" 2>/dev/null)
for component; do
    lease=$(printf '%s\n' "$leases" | sed -n "s/^$component //p")
    renewed=$(date +%s -d "${lease#* }" 2>/dev/null)
    if [ -z "$lease" ] || [ "$(date +%s)" -gt $((${renewed:-0} + ${lease%% *})) ]; then
        echo "$component does not lead yet (its lease: ${lease:-none}); see: kubectl -n kube-system logs -l component=$component"
    fi
done
$kubectl get serviceaccounts -n default default >/dev/null 2>&1 ||
    echo "namespace default has no service account yet; see: kubectl -n kube-system logs -l component=kube-controller-manager"
