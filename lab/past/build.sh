#!/bin/sh
# build.sh BASE DRAFT: what the script on standard input makes of the disk BASE goes to DRAFT/disk; BASE stays as it is.
# Run it in a mount namespace of its own: its mounts end with it.
set -eu
base=$1 draft=$2
root=$draft/root
mkdir "$draft/disk" "$draft/work" "$root"
chmod 755 "$draft/disk"
mount -t overlay overlay -o "lowerdir=$base,upperdir=$draft/disk,workdir=$draft/work" "$root"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
for place in run tmp; do mount -t tmpfs -o mode=1777 tmpfs "$root/$place"; done
cp -L /etc/resolv.conf "$root/run/resolv.conf"
touch "$root/etc/resolv.conf"
mount --bind "$root/run/resolv.conf" "$root/etc/resolv.conf"
apt-config dump | grep -E '^Acquire::https?::Proxy' >"$root/run/lab-apt.conf" || : # the machine may have none
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"
cat >"$root/run/script"
chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 sh /run/script </dev/null
rm "$root/usr/sbin/policy-rc.d"
cp "$base/etc/machine-id" "$root/etc/machine-id" # systemd's own script would have made one for all hosts
rm -rf "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/*.bin "$root"/var/cache/apt/archives/*.deb
umount "$root/etc/resolv.conf" "$root/run" "$root/tmp" "$root/proc"
umount --lazy "$root/dev"
umount "$root"
rm -rf "$draft/work"
rmdir "$root"
