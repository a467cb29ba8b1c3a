# shellcheck shell=dash
# Which component of a silent control plane is down, and its last words.
for component in etcd kube-apiserver; do
    id=$(docker ps -aq --latest --filter "label=io.kubernetes.container.name=$component")
    if [ -z "$id" ]; then
        echo "$component: no container; the kubelet says:"
        journalctl -u kubelet -n 3 --no-pager -o cat
    else
        echo "$component: $(docker inspect -f '{{.State.Status}}' "$id")"
        docker logs --tail 3 "$id" 2>&1
    fi
done
