# shellcheck shell=dash disable=SC2034
# Who holds a lock of apt or dpkg, and waiting for it: functions for run.sh, refresh.sh and preflight's snapshot.sh.

now() { cut -d. -f1 /proc/uptime; }

# The holder as `NAME (process PID)`. An open file is no lock yet: what a package's script has started may have inherited
# it. Processes of containers have locks of their own, at the same paths.
lock_holder() {
    # shellcheck disable=SC2044
    for fd in $(find /proc/[0-9]*/fd \( -lname '/var/lib/dpkg/lock*' -o -lname /var/lib/apt/lists/lock -o \
        -lname /var/cache/apt/archives/lock \) 2>/dev/null); do
        process=${fd%/fd/*}
        if [ "$process/root/var/lib/dpkg/status" -ef /var/lib/dpkg/status ] &&
            awk -v pid="${process#/proc/}" '$2 != "->" && $5 == pid { found = 1 } END { exit !found }' /proc/locks; then
            echo "$(cat "$process/comm") (process ${process#/proc/})"
            return
        fi
    done
}

# Wait until nobody holds one, for $1 seconds at most.
wait_for_locks() {
    until_then=$(($(now) + $1)) told=''
    while holder=$(lock_holder) && [ -n "$holder" ]; do
        [ "$holder" = "$told" ] || echo "waiting for $holder, which holds a lock of apt or dpkg"
        told=$holder
        if [ "$(now)" -ge $until_then ]; then
            echo "$holder holds a lock of apt or dpkg, still after $1 s; wait until it ends, then run again" >&2
            exit 1
        fi
        sleep 2
    done
}
