# shellcheck shell=dash
# gpu_processes: the processes that have one of NVIDIA's devices open, by number.
gpu_processes() {
    find /proc/[0-9]*/fd -lname '/dev/nvidia*' 2>/dev/null | sed 's|/fd/[0-9]*$||; s|.*/||' | sort -un
}
