# shellcheck shell=sh
# Debian's timesyncd in step with a server that DHCP named; networkd's record of it stands in for the lease.
timesyncd
