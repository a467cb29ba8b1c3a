# shellcheck shell=sh
home=/home/$USER_NAME
mkdir -p /srv/nfs
cp -a "$home" /srv/nfs/
chmod 700 "/srv/nfs/$USER_NAME"
unit home.service <<END
[Unit]
Description=The home of $USER_NAME, which root has no right to
Before=ssh.service
[Service]
Type=forking
CapabilityBoundingSet=CAP_SETUID CAP_SETGID CAP_SYS_ADMIN
ExecStartPre=+-/bin/sh -c '[ -e /dev/fuse ] || mknod -m 666 /dev/fuse c 10 229'
ExecStart=/usr/bin/mergerfs -o allow_other,minfreespace=0,nonempty /srv/nfs/$USER_NAME $home
[Install]
WantedBy=multi-user.target
END
if touch "$home/roots" 2>/dev/null; then exit 1; fi
