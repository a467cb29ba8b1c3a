# shellcheck shell=sh
# Two more networks, for storage and for the BMC, neither of which leads to the other hosts.
unit networks.service <<END
[Unit]
Description=The storage network and the BMC's
DefaultDependencies=no
Before=network-pre.target
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/ip link add storage0 type veth peer name storage0-switch
ExecStart=/bin/ip link add bmc0 type veth peer name bmc0-board
ExecStart=/bin/ip address add 172.31.77.${ADDRESS##*.}/24 dev storage0
ExecStart=/bin/ip address add 169.254.3.1/24 dev bmc0
ExecStart=/bin/sh -c 'for link in storage0 storage0-switch bmc0 bmc0-board; do ip link set \$\$link up; done'
[Install]
WantedBy=sysinit.target
END
