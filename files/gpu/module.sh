# shellcheck shell=dash
# modinfo's fields $1 (words) of the module that modprobe would load as nvidia in kernel $2 (the running one). Debian's
# driver has it under another name (nvidia-current) behind an install line, and modinfo knows none called nvidia.
name=$(modprobe --show-depends nvidia | sed -nE 's/^install .*modprobe +(-i|--ignore-install) +([^ ;]+).*/\2/p' | tail -n 1)
for field in $1; do
    modinfo -F "$field" -k "${2:-$(uname -r)}" "${name:-nvidia}"
done
