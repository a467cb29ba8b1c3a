# shellcheck shell=sh
# What Docker's packages need of Debian.
install iptables libseccomp2
