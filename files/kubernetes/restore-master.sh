# shellcheck shell=dash
# On a host that is no node: etcd's content and the cluster's authorities out of the backup $1, for a master named $2 at the
# address $3 whose kubeadm configuration is $4. The key to the backup is standard input. What kubeadm's init then makes of
# it is the old cluster. etcd's data comes first: without authorities no deploy goes on with it. $5 is a folder to work in;
# the file `placing` in it says that etcd's data and the authorities are being put in place, which then begins anew.
set -eu
backup=$1 node=$2 address=$3 config=$4 work=$5
kubernetes=/etc/kubernetes data=/var/lib/etcd
umask 077
mkdir -p "${work%/*}" "$kubernetes"
exec 9>"$work.lock"
flock 9
if [ -e "$work/placing" ]; then rm -rf "$data" "$kubernetes/pki"; fi
rm -rf "$work" "$data.new" "$kubernetes/pki.new"
trap '[ -e "$work/placing" ] || rm -rf "$work"' EXIT
mkdir "$work"
# By a pipe: /dev/stdin cannot be opened where it is a socket, as sshd's may be.
cat | age -d -i /dev/stdin -o "$work/backup.tar" "$backup"
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
for empty in "$data" "$kubernetes/pki"; do
    [ ! -d "$empty" ] || rmdir "$empty"
done
touch "$work/placing"
mv "$data.new" "$data"
mv "$kubernetes/pki.new" "$kubernetes/pki"
rm -rf "$work"
