# shellcheck shell=dash disable=SC2086
# The certificates that kubeadm renews: those that expire within $1 seconds, and the components that run with older ones
# than those on disk.
seconds=$1
root=/etc/kubernetes
etcd='pki/etcd/server.crt pki/etcd/peer.crt'
api_server='pki/apiserver.crt pki/apiserver-etcd-client.crt pki/apiserver-kubelet-client.crt pki/front-proxy-client.crt'
controller_manager=controller-manager.conf
scheduler=scheduler.conf
others='admin.conf pki/etcd/healthcheck-client.crt'

pem() {
    case $1 in
    *.conf) sed -n 's/^ *client-certificate-data: //p' "$1" | base64 -d ;;
    *) cat "$1" ;;
    esac
}

expiring() {
    for file; do
        [ ! -e "$root/$file" ] || pem "$root/$file" | openssl x509 -noout -checkend "$seconds" >&2 || echo "$file"
    done
}

# outdated COMPONENT FILE...: the component, if it runs since before one of the files was written.
outdated() {
    component=$1
    shift
    started=$(printf '%s\n' "$running" | sed -n "s/^$component //p")
    [ -n "$started" ] || return
    started=$(date +%s -d "$started")
    for file; do
        if [ -e "$root/$file" ] && [ "$(stat -c %Y "$root/$file")" -gt "$started" ]; then
            echo "$component"
            return
        fi
    done
}

stale() {
    name=io.kubernetes.container.name
    ids=$(docker ps -q --filter "label=$name")
    [ -n "$ids" ] || return
    running=$(docker inspect -f "{{index .Config.Labels \"$name\"}} {{.State.StartedAt}}" $ids)
    outdated etcd $etcd
    outdated kube-apiserver $api_server
    outdated kube-controller-manager $controller_manager
    outdated kube-scheduler $scheduler
}

section expiring expiring $etcd $api_server $controller_manager $scheduler $others
section stale stale
