#!/bin/sh
# install-runfile.sh UNDER_WAY RUNFILE "PACKAGE..." GCC [OPTION...]: replace the packages and any older driver by that of
# NVIDIA's installer, with the display manager stopped meanwhile. UNDER_WAY, a file that names the display manager stopped,
# stays behind when this is cut short: the next call then starts that display manager again, too. GCC is the compiler's
# major version, or empty. Nothing is removed before the loaded driver is unloaded, nor where others' packages would go
# with it: then all is put back and this fails. Its library is systemd/gpu-processes.sh.
set -eu
under_way=$1 runfile=$2 packages=$3 gcc=$4
shift 4
export DEBIAN_FRONTEND=noninteractive

purge() { # OPTION... PACKAGE...
    apt-get -q -y -o DPkg::Lock::Timeout=600 -o APT::Get::AutomaticRemove=false --allow-change-held-packages purge "$@"
}

refuse() {
    echo "$1" >&2
    exit 1
}

# What apt would install or remove besides: that which depends on the driver, and what would take the driver's place in it.
if [ -n "$packages" ]; then
    # shellcheck disable=SC2086 # a list of words
    plan=$(purge --simulate $packages)
    others=
    for name in $(echo "$plan" | sed -n 's/^\(Inst\|Remv\|Purg\) \([^ :]*\).*/\2/p'); do
        case " $packages $others " in *" $name "*) ;; *) others="$others $name" ;; esac
    done
    [ -z "$others" ] || refuse "the driver's packages cannot be removed without these of others:$others; \
remove those yourself, or set nvidia_driver: apt"
fi

# A module built by another compiler than the kernel's own may not load.
if compiler=$(command -v "gcc-$gcc"); then export CC="$compiler"; fi

first=no
if [ ! -e "$under_way" ]; then
    first=yes
    if systemctl is-active --quiet display-manager.service; then echo display-manager.service; fi >"$under_way.new"
    mv "$under_way.new" "$under_way"
fi
display_manager=$(cat "$under_way")
if [ -n "$display_manager" ]; then
    trap 'systemctl start "$display_manager"' EXIT
    systemctl stop "$display_manager"
fi

# Processes and modules that have the driver open.
users() {
    for process in $(gpu_processes); do echo "$(cat "/proc/$process/comm") (process $process)"; done
    for module in /sys/module/nvidia/holders/*; do
        [ ! -e "$module" ] || echo "module ${module##*/}"
    done
}

# The installer does not replace a driver that is in use.
if [ -e /sys/module/nvidia ]; then
    stopped='' unloaded=''
    for service in nvidia-fabricmanager.service nvidia-persistenced.service; do
        if systemctl is-active --quiet $service; then
            stopped="$service $stopped"
            systemctl stop $service
        fi
    done
    case $stopped in *persistenced*) ;; *) nvidia-smi --persistence-mode=0 || : ;; esac
    for module in nvidia_drm nvidia_modeset nvidia_uvm nvidia_peermem nvidia; do
        [ -e "/sys/module/$module" ] || continue
        if ! modprobe -r "$module"; then
            users=$(users | paste -sd ,)
            # shellcheck disable=SC2086 # a list of words
            [ -z "$unloaded" ] || modprobe -a $unloaded
            # shellcheck disable=SC2086 # a list of words
            [ -z "$stopped" ] || systemctl start $stopped
            case $stopped in *persistenced*) ;; *) nvidia-smi --persistence-mode=1 || : ;; esac
            [ $first = no ] || rm -f "$under_way"
            refuse "the loaded driver cannot be unloaded: it is used by ${users:-unknown}; end that, then run again"
        fi
        unloaded="$module $unloaded"
    done
fi

if [ -n "$packages" ]; then
    # shellcheck disable=SC2086 # a list of words
    purge $packages
fi

sh "$runfile" --silent --no-x-check --no-nouveau-check --no-opengl-files "$@" || {
    status=$?
    tail -n 12 /var/log/nvidia-installer.log
    exit $status
}
