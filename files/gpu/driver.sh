# shellcheck shell=dash disable=SC2016
# The NVIDIA driver of a host: loaded, installed, and what installing another would need.
blacklist=$1 under_way=$2 record=$3 # files of this project, see tasks/gpu/facts/driver.py
unit=$4                             # in which an installation runs
bus=$5 at_work=$6 module=$7         # programs: list the GPUs of the PCI bus, say what is at work, ask the module
kernel=$(uname -r)
export LC_ALL=C

present() {
    for path; do
        if [ -e "$path" ] || [ -L "$path" ]; then echo "$path"; fi
    done
}
words_of() { [ ! -e "$1" ] || cat "$1"; }

# A container may show /proc/driver without /sys/module.
loaded() {
    if [ -e /sys/module/nvidia/version ]; then cat /sys/module/nvidia/version
    elif [ -e /proc/driver/nvidia/version ]; then grep NVRM /proc/driver/nvidia/version; fi
}

# All that is asked of dpkg, as sections: it takes longest to read its database, so it does so once.
packages() {
    states='${db:Status-Want}|${db:Status-Abbrev}|${db:Status-Status}'
    dpkg-query -W -f "$states"'|${Package}|${Version}|${source:Package}|${Depends}\n' |
        awk -F'|' '
            $1 == "hold" { held = held $4 "\n" }
            $4 ~ /^linux-headers-/ { headers = headers $3 " " $4 "\n" }
            $4 ~ /^nvidia-fabricmanager/ { fabric = fabric $3 " " $4 "\n" }
            $4 ~ /nvidia|^lib(cuda|nvcuvid|nvoptix)|^cuda-drivers/ { driver = driver $2 "|" $4 "|" $5 "|" $6 "\n" }
            $4 ~ /^linux-image-/ {
                depends = $0
                for (i = 0; i < 6; i++) sub(/^[^|]*[|]/, "", depends)
                images = images $3 "|" $4 "|" $5 "|" depends "\n"
            }
            END {
                print "\n@@ held\n" held "\n@@ header_packages\n" headers "\n@@ fabric_packages\n" fabric
                print "\n@@ packages\n" driver "\n@@ images\n" images
            }'
}

# A kernel image is stale when it is older than the blacklist, which it must contain. Only kernels that are installed
# count: update-initramfs leaves backups and leftovers alone.
stale() {
    for image in /boot/initrd.img-*; do
        version=${image#/boot/initrd.img-}
        if [ -d "/lib/modules/$version" ] && [ ! "$image" -nt "$blacklist" ]; then echo "$version"; fi
    done
}

# apt's own tools parse every package list anew where they may keep no cache: a second of processor time for each call.
# The lists are 50 MB of text on Debian, which grep reads faster than a pipe brings it; or they are compressed.
headers() {
    line="Package: linux-headers-$kernel"
    if [ -e "/lib/modules/$kernel/build" ]; then
        echo present
    elif [ -z "$gpus" ]; then
        echo unknown # and nobody's question
    elif [ -z "$(present /var/lib/apt/lists/*_Packages*)" ]; then
        echo unknown
    elif grep -qsxF "$line" /var/lib/apt/lists/*_Packages || {
        [ "$(present /var/lib/apt/lists/*_Packages.*)" ] &&
            /usr/lib/apt/apt-helper cat-file /var/lib/apt/lists/*_Packages.* | grep -qxF "$line"
    }; then
        echo offered
    else
        echo missing
    fi
}

# The kernel that GRUB takes: the one that its default or its saved entry names, else its first entry, the newest.
next_kernel() {
    set --
    for image in /boot/vmlinuz-*; do
        [ ! -d "/lib/modules/${image#/boot/vmlinuz-}" ] || set -- "$@" "${image#/boot/vmlinuz-}"
    done
    [ $# -gt 1 ] || { echo "$1" && return; }
    chosen=$(cat /etc/default/grub /etc/default/grub.d/*.cfg | sed -n 's/^GRUB_DEFAULT=//p' | tail -n 1)
    case $chosen in *saved*) chosen=$(sed -n 's/^saved_entry=//p' /boot/grub/grubenv) ;; esac
    printf '%s\n' "$@" | sort -V | {
        while read -r newest; do
            last=$newest
            case $chosen in *"$newest"*) named=$newest ;; esac
        done
        echo "${named:-$last}"
    }
}
gpus=$(in_shell "$bus")
next=$(next_kernel 2>/dev/null)
# The signer is missing of a module that is not signed.
asked=$(in_shell "$module" 'version signer' "$kernel" 2>/dev/null)
installed=$(printf '%s\n' "$asked" | { read -r version && echo "$version"; })
next_module() {
    if [ "$next" = "$kernel" ]; then echo "$installed"; else in_shell "$module" version "$next"; fi
}

secure_boot() {
    for variable in /sys/firmware/efi/efivars/SecureBoot-*; do
        od -An -t u1 -j4 -N1 "$variable" && return
    done
    mokutil --sb-state
}

# The state of the unit of an installation, and the fabric manager's unit: `active` where what runs is what is on the
# disk, and `enabled`.
units() {
    block=fabric main='' state='' file='' installation=''
    while IFS='=' read -r key value; do
        case $block-$key in
        *-) block=installation ;;
        fabric-MainPID) main=$value ;;
        fabric-ActiveState) state=$value ;;
        fabric-UnitFileState) file=$value ;;
        installation-ActiveState) installation=$value ;;
        esac
    done <<END
$(systemctl show -p MainPID,ActiveState,UnitFileState nvidia-fabricmanager.service "$unit")
END
    if [ "${main:-0}" != 0 ]; then
        case $(readlink "/proc/$main/exe") in *deleted*) state='' ;; esac
    fi
    printf '\n@@ unit\n%s\n@@ fabric_unit\n%s\n%s\n' "$installation" "$state" "$file"
}

section kernel echo "$kernel"
section compiler sed -n 's/.*[( -]gcc-\([0-9]*\) .*/\1/p' /proc/version
section os in_shell '. /etc/os-release; echo "$ID"'
section bus echo "$gpus"
# Bridges of class `other`: NVSwitches are the only ones that NVIDIA makes for servers.
section switches in_shell "$bus" 0x0680
section nouveau present /sys/module/nouveau
section loaded loaded
section installed echo "$installed"
section signer echo "${asked#"$installed"}"
section record words_of "$record"
section next echo "$next"
section next_module next_module
section dkms present /var/lib/dkms/nvidia*/*/source
section at_dpkg packages
section fabric nv-fabricmanager --version
section runfile present /usr/bin/nvidia-uninstall
section under_way present "$under_way"
section at_systemd units
section headers headers
section secure_boot secure_boot
section at_work in_shell "$at_work"
section initramfs_tool in_shell 'command -v update-initramfs || command -v dracut'
section stale stale
