# shellcheck shell=dash
# What GPUs suffer from while they answer. $1: seconds for nvidia-smi; $2: the program that lists the PCI bus's GPUs.
limit=$1
found=$(in_shell "$2")

# Never the first to load a driver.
smi() { [ ! -e /proc/driver/nvidia/version ] || timeout -k 1 "$limit" nvidia-smi "$@" --format=csv,noheader; }

lanes() {
    for gpu in $found; do
        at=/sys/bus/pci/devices/$gpu
        read -r now <"$at/current_link_width" && read -r most <"$at/max_link_width" && echo "$gpu $now $most"
    done
}

# Of this boot, where there is a GPU or a driver. Where the log may not be read there is nothing to say.
xids() {
    [ "$found" ] || [ -e /proc/driver/nvidia/version ] || return
    dmesg | sed -nE 's/.*NVRM: Xid \(PCI:([0-9a-fA-F:.]+)\): ([0-9]+),.*/\1 \2/p' | sort -u
}

reasons=clocks_throttle_reasons
section gpus smi --query-gpu=pci.bus_id,ecc.errors.uncorrected.volatile.total,retired_pages.pending,$reasons.hw_slowdown,$reasons.sw_thermal_slowdown
section rows smi --query-remapped-rows=gpu_bus_id,remapped_rows.pending,remapped_rows.failure
section lanes lanes
section xids xids
