# shellcheck shell=dash
# etcd's content as $1/TIME-$2.db, 0600 and checked by etcdctl; the newest $3 of them are kept. An etcd that does not run is
# an error where $4 is `needed`.
set -eu
folder=$1 reason=$2 keep=$3
pki=/etc/kubernetes/pki/etcd
# On the volume that the container shares with the host; a backup by the timer may be at work beside a deploy.
part=/var/lib/etcd/openpai-$reason.part
id=$(docker ps -q --filter label=io.kubernetes.pod.namespace=kube-system \
    --filter label=io.kubernetes.container.name=etcd | head -n 1)
if [ -z "$id" ]; then
    [ "$4" = needed ] || exit 0
    echo "etcd does not run, so it cannot be saved first" >&2
    exit 1
fi
etcdctl() { docker exec -e ETCDCTL_API=3 "$id" etcdctl "$@" >/dev/null; }
umask 077
mkdir -p "$folder"
etcdctl --endpoints=https://127.0.0.1:2379 --cacert="$pki/ca.crt" --cert="$pki/healthcheck-client.crt" \
    --key="$pki/healthcheck-client.key" snapshot save "$part"
etcdctl snapshot status "$part"
chmod 600 "$part"
mv -f "$part" "$folder/$(date -u +%Y%m%dT%H%M%SZ)-$reason.db"
set -- "$folder"/*.db
while [ $# -gt "$keep" ]; do
    rm -f "$1"
    shift
done
