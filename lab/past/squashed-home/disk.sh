# shellcheck shell=sh
# A home that root may neither read nor write, as on NFS with root_squash: a file system of the user's space stands in,
# which does for each caller what the caller may, and for root without root's capabilities.
install mergerfs
