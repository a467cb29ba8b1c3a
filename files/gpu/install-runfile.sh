#!/bin/sh
# install-runfile.sh UNDER_WAY RUNFILE "PACKAGE..." GCC [OPTION...]: replace the packages and any older driver by that of
# NVIDIA's installer, with the display manager stopped meanwhile. UNDER_WAY, a file that names the display manager stopped,
# stays behind when this is cut short: the next call then starts that display manager again, too. GCC is the compiler's
# major version, or empty.
set -eu
under_way=$1 runfile=$2 packages=$3 gcc=$4
shift 4

# A module built by another compiler than the kernel's own may not load.
if compiler=$(command -v "gcc-$gcc"); then export CC="$compiler"; fi

if [ ! -e "$under_way" ]; then
    if systemctl is-active --quiet display-manager.service; then echo display-manager.service; fi >"$under_way.new"
    mv "$under_way.new" "$under_way"
fi
display_manager=$(cat "$under_way")
if [ -n "$display_manager" ]; then
    trap 'systemctl start "$display_manager"' EXIT
    systemctl stop "$display_manager"
fi

if [ -n "$packages" ]; then
    # shellcheck disable=SC2086 # a list of words
    DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=600 --allow-change-held-packages purge $packages
fi

# The installer does not replace a driver that is in use.
if [ -e /sys/module/nvidia ]; then
    systemctl stop nvidia-persistenced.service 2>/dev/null || nvidia-smi --persistence-mode=0 || :
    for module in nvidia_drm nvidia_modeset nvidia_uvm nvidia_peermem nvidia; do
        if [ -e "/sys/module/$module" ]; then modprobe -r "$module"; fi
    done
fi

sh "$runfile" --silent --no-x-check --no-nouveau-check --no-opengl-files "$@" || {
    status=$?
    tail -n 12 /var/log/nvidia-installer.log
    exit $status
}
