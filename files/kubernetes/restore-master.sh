# shellcheck shell=dash
# On a host that is no node: etcd's content and the cluster's authorities out of the backup $1, for a master named $2 at the
# address $3 whose kubeadm configuration is $4. The key to the backup is standard input. What kubeadm's init then makes of
# it is the old cluster. etcd's data comes first: without authorities no deploy goes on with it.
set -eu
backup=$1 node=$2 address=$3 config=$4
kubernetes=/etc/kubernetes data=/var/lib/etcd
umask 077
work=/var/lib/openpai-deploy/restore
rm -rf "$work" "$data.new" "$kubernetes/pki.new"
mkdir -p "$work" "$kubernetes"
trap 'rm -rf "$work"' EXIT
age -d -i /dev/stdin -o "$work/backup.tar" "$backup"
tar -C "$work" -xf "$work/backup.tar"
for file in etcd.db pki/ca.key pki/sa.key pki/front-proxy-ca.key pki/etcd/ca.key; do
    [ -s "$work/$file" ] || { echo "the backup lacks $file" >&2; exit 1; }
done
image=$(kubeadm config images list --config "$config" 2>/dev/null | grep '/etcd:')
docker run --rm --network none -e ETCDCTL_API=3 -v "$work/etcd.db:/snapshot.db:ro" -v /var/lib:/host "$image" \
    etcdctl snapshot restore /snapshot.db --data-dir "/host/${data##*/}.new" --name "$node" \
    --initial-cluster "$node=https://$address:2380" --initial-advertise-peer-urls "https://$address:2380" >/dev/null
chmod 700 "$data.new"
# Certificates for the old machine's address are of no use: kubeadm makes new ones by the authorities.
mkdir -p "$kubernetes/pki.new/etcd"
for name in ca sa front-proxy-ca etcd/ca; do
    cp -a "$work/pki/$name".* "$kubernetes/pki.new/${name%"${name##*/}"}"
done
[ ! -d "$data" ] || rmdir "$data"
mv "$data.new" "$data"
[ ! -d "$kubernetes/pki" ] || rmdir "$kubernetes/pki"
mv "$kubernetes/pki.new" "$kubernetes/pki"
