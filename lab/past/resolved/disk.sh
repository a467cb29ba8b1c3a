# shellcheck shell=sh
# systemd-resolved, whose stub is the only name server in /etc/resolv.conf. Before Debian 12 it is in systemd's package.
[ -e /lib/systemd/systemd-resolved ] || install systemd-resolved
systemctl unmask -q systemd-resolved.service
systemctl enable -q systemd-resolved.service
