# shellcheck shell=dash
# What a reboot would end, a line each: its kind (container, gpu, vm, job, person), then who or what it is. Its library is
# gpu-processes.sh.

# Whether a process is runc's shim of a container that has ended: it stays a moment, and a busy host's stays longer.
ended() {
    case $(tr '\0' ' ' <"$1/cmdline") in *containerd-shim-runc-*) ;; *) return 1 ;; esac
    children=$(cat "$1"/task/*/children) && [ -z "$children" ]
}

for process in /proc/[0-9]*; do
    read -r name <"$process/comm" || continue
    case $name in
    # Every container of Docker and of Kubernetes has a shim as its parent, and keeps it while its daemon is down.
    containerd-shim* | conmon) ended "$process" || echo "container $name" ;;
    qemu-system* | qemu-kvm | kvm | VBoxHeadless | libvirt_lxc) echo "vm $name (process ${process#/proc/})" ;;
    slurmstepd)
        # A job's step calls itself "slurmstepd: [JOB.STEP]"; the one without a job keeps Slurm's cgroup.
        step=$(tr '\0' ' ' <"$process/cmdline")
        case $step in *\[*) step=${step#*\[} && echo "job ${step%%[!0-9_]*}" ;; esac
        ;;
    esac
done

# But the driver's and the display's own services, which come back by themselves; comm has 15 letters.
for process in $(gpu_processes); do
    read -r name <"/proc/$process/comm" || continue
    case $name in
    nvidia-persiste | nv-fabricmanage | nv-hostengine | Xorg | gnome-shell) ;;
    *) echo "gpu $name (process $process)" ;;
    esac
done

# Whoever is logged in, by a terminal or without, but the session that this runs in: its leader is an ancestor.
own=' ' process=$$
while [ "${process:-0}" -gt 1 ]; do
    own="$own$process "
    while read -r key value; do [ "$key" != PPid: ] || break; done <"/proc/$process/status" || value=
    process=$value
done
show() { loginctl show-session "$@" -p Name -p Leader -p Class -p State; }
sessions=$(loginctl list-sessions --no-legend | while read -r session _; do echo "$session"; done)
# All at once, unless one of them has ended meanwhile.
# shellcheck disable=SC2086 # words
shown=$([ -z "$sessions" ] || show $sessions) || shown=$(for session in $sessions; do show "$session" && echo; done)
printf '%s\n\n' "$shown" | while IFS='=' read -r key value; do
    case $key in
    Name) name=$value ;;
    Leader) leader=$value ;;
    Class) class=$value ;;
    State) state=$value ;;
    '')
        case $own in *" $leader "*) class=own ;; esac
        case $class-$state in *-closing) ;; user*) echo "person $name" ;; esac
        name='' leader='' class='' state=''
        ;;
    esac
done
