# shellcheck shell=sh
unit lease.service <<END
[Unit]
Description=What systemd-networkd keeps of a DHCP lease
DefaultDependencies=no
Before=systemd-timesyncd.service
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -c 'mkdir -p /run/systemd/netif/links; printf "OPER_STATE=routable\\\\nONLINE_STATE=online\\\\nNTP=$GATEWAY\\\\n" >/run/systemd/netif/state; cp /run/systemd/netif/state /run/systemd/netif/links/$(cat /sys/class/net/host0/ifindex)'
[Install]
WantedBy=sysinit.target
END
systemctl daemon-reload
systemctl restart systemd-timesyncd
timeout 60 sh -c 'until [ -e /run/systemd/timesync/synchronized ]; do sleep 0.5; done'
