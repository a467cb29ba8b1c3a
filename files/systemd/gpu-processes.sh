# shellcheck shell=dash
# gpu_processes: the processes that have one of NVIDIA's devices open, by number.
gpu_processes() {
    find /proc/[0-9]*/fd -lname '/dev/nvidia*' -printf '%h\n' 2>/dev/null | awk -F/ '!seen[$0]++ { print $(NF - 1) }'
}
