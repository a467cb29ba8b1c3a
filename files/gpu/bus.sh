# shellcheck shell=dash disable=SC2015
# The PCI addresses of NVIDIA's display controllers, class 0x0300 (VGA) or 0x0302 (3D). lspci is missing from minimal
# installations.
for device in /sys/bus/pci/devices/*; do
    [ -r "$device/vendor" ] && read -r vendor <"$device/vendor" && read -r class <"$device/class" || continue
    case $vendor$class in 0x10de0x0300* | 0x10de0x0302*) echo "${device##*/}" ;; esac
done
