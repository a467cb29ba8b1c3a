#!/bin/sh
# The fleet, in namespaces of its own: $1 is a folder with `addresses` (for `ip -batch`), `hosts` (NAME ADDRESS a line),
# `sh/NAME` and what lies in `over`; $2 the base of a lab host. It ends, and all of it with it, when this program does.
set -e
cd "$1"
ip link set lo up
ip -batch addresses
mount -t tmpfs fleet disk
mkdir disk/upper disk/work disk/root
cp -a over/. disk/upper
mount -t overlay overlay -o "lowerdir=$2,upperdir=disk/upper,workdir=disk/work" disk/root
mount -t proc proc disk/root/proc
mount --rbind /dev disk/root/dev
mkdir -p disk/root/run/sshd
while read -r name address; do
    # shellcheck disable=SC2016 # its own arguments
    unshare --mount --uts /bin/sh -c '
        hostname "$1" && mount --bind "sh/$1" disk/root/usr/local/bin/sh &&
            exec chroot disk/root /usr/sbin/sshd -D -o ListenAddress="$2" -o PidFile=none
    ' host "$name" "$address" &
done <hosts
wait
