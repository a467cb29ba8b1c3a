# shellcheck shell=dash disable=SC2016
# The NVIDIA driver of a host: loaded, installed, and what installing another would need.
blacklist=$1 under_way=$2 record=$3 # files of this project, see tasks/gpu/facts/driver.py
unit=$4                             # in which an installation runs
bus=$5 at_work=$6 module=$7         # programs: list the GPUs of the PCI bus, say what is at work, ask the module
kernel=$(uname -r)

# A container may show /proc/driver without /sys/module.
loaded() { cat /sys/module/nvidia/version || grep NVRM /proc/driver/nvidia/version; }

held() { dpkg-query -W -f '${db:Status-Want} ${Package}\n' | sed -n 's/^hold //p'; }

# A kernel image is stale when it is older than the blacklist, which it must contain. Only kernels that are installed
# count: update-initramfs leaves backups and leftovers alone.
stale() {
    for image in /boot/initrd.img-*; do
        version=${image#/boot/initrd.img-}
        if [ -d "/lib/modules/$version" ] && [ ! "$image" -nt "$blacklist" ]; then echo "$version"; fi
    done
}

# apt's own tools parse every package list anew where they may keep no cache: a second of processor time for each call.
headers() {
    if [ -e "/lib/modules/$kernel/build" ]; then
        echo present
    elif [ -z "$(sh -c "$bus")" ]; then
        echo unknown # and nobody's question, as there is no GPU
    elif [ -z "$(find /var/lib/apt/lists -name '*_Packages*' -print -quit)" ]; then
        echo unknown
    elif /usr/lib/apt/apt-helper cat-file /var/lib/apt/lists/*_Packages* | grep -qx "Package: linux-headers-$kernel"; then
        echo offered
    else
        echo missing
    fi
}

# The kernel that GRUB takes: the one that its default or its saved entry names, else its first entry, the newest.
next_kernel() {
    chosen=$(cat /etc/default/grub /etc/default/grub.d/*.cfg | sed -n 's/^GRUB_DEFAULT=//p' | tail -n 1)
    case $chosen in *saved*) chosen=$(sed -n 's/^saved_entry=//p' /boot/grub/grubenv) ;; esac
    for image in /boot/vmlinuz-*; do
        if [ -d "/lib/modules/${image#/boot/vmlinuz-}" ]; then echo "${image#/boot/vmlinuz-}"; fi
    done | sort -V | {
        while read -r newest; do
            last=$newest
            case $chosen in *"$newest"*) named=$newest ;; esac
        done
        echo "${named:-$last}"
    }
}
next=$(next_kernel 2>/dev/null)
installed=$(sh -c "$module" sh version 2>/dev/null)
next_module() {
    if [ "$next" = "$kernel" ]; then echo "$installed"; else sh -c "$module" sh version "$next"; fi
}

secure_boot() {
    for variable in /sys/firmware/efi/efivars/SecureBoot-*; do
        od -An -t u1 -j4 -N1 "$variable" && return
    done
    mokutil --sb-state
}

# The fabric manager's unit: `active` where what runs is what is on the disk, and `enabled`.
fabric_unit() {
    shown=$(systemctl show -p MainPID,ActiveState,UnitFileState nvidia-fabricmanager.service)
    process=$(echo "$shown" | sed -n 's/^MainPID=//p')
    case $(readlink "/proc/$process/exe") in *deleted*) ;; *) echo "$shown" | sed -n 's/^ActiveState=//p' ;; esac
    echo "$shown" | sed -n 's/^UnitFileState=//p'
}

section kernel echo "$kernel"
section compiler sed -n 's/.*[( -]gcc-\([0-9]*\) .*/\1/p' /proc/version
section os sh -c '. /etc/os-release; echo "$ID"'
section bus sh -c "$bus"
# Bridges of class `other`: NVSwitches are the only ones that NVIDIA makes for servers.
section switches sh -c "$bus" sh 0x0680
section nouveau ls -d /sys/module/nouveau
section loaded loaded
section installed echo "$installed"
section signer sh -c "$module" sh signer
section record cat "$record"
section next echo "$next"
section next_module next_module
section dkms ls -d /var/lib/dkms/nvidia*/*/source
section images dpkg-query -W -f '${db:Status-Status}|${Package}|${Version}|${Depends}\n' 'linux-image-*'
section header_packages dpkg-query -W -f '${db:Status-Status} ${Package}\n' 'linux-headers-*'
section packages dpkg-query -W -f '${db:Status-Abbrev}|${Package}|${Version}|${source:Package}\n' \
    '*nvidia*' 'libcuda*' 'libnvcuvid*' 'libnvoptix*' 'cuda-drivers*'
section fabric nv-fabricmanager --version
section fabric_unit fabric_unit
section fabric_packages dpkg-query -W -f '${db:Status-Status} ${Package}\n' 'nvidia-fabricmanager*'
section runfile ls /usr/bin/nvidia-uninstall
section under_way ls "$under_way"
section held held
section unit systemctl is-active "$unit"
section headers headers
section secure_boot secure_boot
section at_work sh -c "$at_work"
section initramfs_tool sh -c 'command -v update-initramfs || command -v dracut'
section stale stale
