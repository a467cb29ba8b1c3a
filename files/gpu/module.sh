# shellcheck shell=dash
# modinfo's field $1 of the module that modprobe would load as nvidia in kernel $2 (the running one). Debian's driver has
# it under another name (nvidia-current) behind an install line, and modinfo knows none called nvidia.
name=$(modprobe --show-depends nvidia | sed -nE 's/^install .*modprobe +(-i|--ignore-install) +([^ ;]+).*/\2/p' | tail -n 1)
modinfo -F "$1" -k "${2:-$(uname -r)}" "${name:-nvidia}"
