# shellcheck shell=dash disable=SC2086
# Scopes of containers with what systemd lets them open, and NVIDIA's devices that they have. systemd before 240 knows a
# device only by a path that is there.
shown=$(systemctl show -p Id,ControlGroup,DevicePolicy,DeviceAllow \
    'docker-*.scope' 'cri-containerd-*.scope' 'crio-*.scope' 'libpod-*.scope' 2>/dev/null)

devices() {
    [ "$shown" ] || return
    version=$(systemctl --version | sed -n '1s/^systemd \([0-9]*\).*/\1/p')
    for group in $(printf '%s\n' "$shown" | sed -n 's/^ControlGroup=//p'); do
        process=
        for hierarchy in /sys/fs/cgroup /sys/fs/cgroup/systemd; do
            read -r process <"$hierarchy$group/cgroup.procs" && break
        done
        for node in "/proc/${process:-none}/root/dev/nvidia"*; do
            [ -c "$node" ] || continue
            number=$(stat -L -c '0x%t 0x%T' "$node")
            number=$((${number% *})):$((${number#* }))
            [ "$version" -ge 240 ] || [ -e "/dev/char/$number" ] || number=unknown
            echo "$group $number"
        done
    done
}

# A line between two scopes: blank ones are not kept everywhere.
scopes() { [ ! "$shown" ] || printf '%s\n' "$shown" | sed 's/^$/--/'; }

section scopes scopes
section devices devices
