# shellcheck shell=dash disable=SC2015
# The PCI addresses of NVIDIA's devices of class $1; of display controllers, 0x0300 (VGA) or 0x0302 (3D), where none is
# named. lspci is missing from minimal installations.
wanted=${1:-0x030[02]}
for device in /sys/bus/pci/devices/*; do
    [ -r "$device/vendor" ] && read -r vendor <"$device/vendor" && read -r class <"$device/class" || continue
    # shellcheck disable=SC2254 # a pattern
    case $vendor$class in 0x10de$wanted*) echo "${device##*/}" ;; esac
done
