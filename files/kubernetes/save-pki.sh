# shellcheck shell=dash
# /etc/kubernetes/pki as $1/TIME.tar, 0600; the newest $2 of them are kept.
set -eu
folder=$1 keep=$2
umask 077
mkdir -p "$folder"
tar -C /etc/kubernetes -cf "$folder/part" pki
mv -f "$folder/part" "$folder/$(date -u +%Y%m%dT%H%M%SZ).tar"
set -- "$folder"/*.tar
while [ $# -gt "$keep" ]; do
    rm -f "$1"
    shift
done
