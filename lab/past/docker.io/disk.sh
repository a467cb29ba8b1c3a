# shellcheck shell=sh
# Debian's own Docker, and compose.
install docker.io docker-compose iptables
