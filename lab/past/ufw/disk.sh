# shellcheck shell=sh
# A firewall that lets ssh in and nothing else.
install ufw
