# shellcheck shell=dash disable=SC2086,SC2317
# Everything that preflight reads from a host, in one command: POSIX sh, read from standard input by `sh -s`.
# Before this text come locks.sh, manifest.sh, urls.sh and, from tasks/preflight/facts.py:
#   PEERS      ADDRESS:PORT of every other host and of the proxies, separated by spaces
#   REACH      the program that asks them, reach.pl
#   URLS       one a line: ID, how to ask, proxy or `-`, URL; in it @id@ and @codename@ are the release's. Asked are
#              `apt` and `http` for a file, `image` and `image-login` for an image's manifest (manifest.sh), with `else-`
#              before them for a place that is asked where the line before has no image. Then a package or a program,
#              where nobody needs to know on a host that has it
#   FOLDERS    folders whose room is asked for, separated by spaces
#   ACCOUNT    the config's user
#   APT_PROXY  apt's settings of the proxy, as the deploy will write them
#   PACKAGES   names of packages whose versions are asked for, separated by spaces
#   LOCK_WAIT  seconds to wait for a held package lock
#   BUNDLED    names of further probes, the commands of other facts, each a function probe_NAME
# Every slow probe runs at once with the others and writes a file of its own; one that fails leaves its file empty, one that
# hangs (a GPU, a dead mount) is left behind at the limit and named under `late`. Nothing on the host is changed.

LC_ALL=C
PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL PATH

# Seconds: for one command, for one connection, and for all probes together.
COMMAND=10
CONNECT=8
LIMIT=$((LOCK_WAIT + 70))

# The lines of the file $1, by the shell itself: each program started takes a host a millisecond of processor time.
show() {
    while IFS= read -r line || [ "$line" ]; do printf '%s\n' "$line"; done <"$1"
}

probe_os() { show /etc/os-release; }
probe_kernel() { show /proc/sys/kernel/osrelease && uname -m; }
probe_name() { show /proc/sys/kernel/hostname; }
# sudo looks its own host up, and waits for a name server that does not know it. In both families at once, as it does:
# `getent hosts` would ask the server for an IPv6 address where /etc/hosts has the other.
probe_resolves() { timeout $CONNECT getent ahosts "$(probe_name)"; }
probe_cpus() { getconf _NPROCESSORS_ONLN; }
probe_memory() { read -r total </proc/meminfo && echo "$total"; }
probe_swaps() {
    { read -r _ && while read -r swap; do printf '%s\n' "$swap"; done; } </proc/swaps
}
probe_machine_id() { show /etc/machine-id; }
probe_systemd() { [ -d /run/systemd/system ] && echo running; }
probe_cgroup() { stat -fc %T /sys/fs/cgroup /sys/fs/cgroup/unified; }

# The controllers that kubeadm's first check counts: those of v2, else those that the kernel has enabled for v1.
probe_controllers() {
    if [ -e /sys/fs/cgroup/cgroup.controllers ]; then show /sys/fs/cgroup/cgroup.controllers
    else
        while read -r name _ _ enabled; do
            case $name-$enabled in '#'* | *-0) ;; *) echo "$name" ;; esac
        done </proc/cgroups
    fi
}
# The bytes of the largest initramfs: one more of them is written beside it before it is replaced.
probe_initramfs() {
    stat -Lc %s /boot/initrd.img-* | {
        largest=0
        while read -r size; do [ "$size" -le $largest ] || largest=$size; done
        echo $largest
    }
}

# Name, MAC, flags and IPv4 address of every interface; without `ip`, what the kernel shows by itself.
probe_addresses() {
    if command -v ip >/dev/null; then
        ip -o -4 address show
    else
        for address in $(hostname -I); do echo "0: - inet $address/32 scope global -"; done
    fi
}

probe_links() {
    for link in /sys/class/net/*; do
        read -r mac <"$link/address" && echo "${link##*/} $mac"
    done
}

# Free and total kilobytes where a folder is, or will be made; by one df, unless one of them cannot be told.
probe_space() {
    set --
    for folder in $FOLDERS; do
        at=$folder
        until [ -d "$at" ]; do at=${at%/*} at=${at:-/}; done
        set -- "$@" "$at"
    done
    if said=$(timeout $COMMAND df -Pk "$@"); then
        printf '%s\n' "$said" | {
            read -r _
            for folder in $FOLDERS; do read -r _ total _ free _ && echo "$folder $free $total"; done
        }
        return
    fi
    for folder in $FOLDERS; do
        timeout $COMMAND df -Pk "$1" | { read -r _ && read -r _ total _ free _ && echo "$folder $free $total"; }
        shift
    done
}

# What OpenPAI's internal storage needs of a master: loop devices, and the file that it makes once.
probe_storage() {
    for at in /dev/loop-control /dev/loop0; do
        [ -e $at ] && echo loop
    done
    [ -e /mnt/paiInternal/storage.ext4 ] && echo made
    [ -e /mnt/paiInternal/storage/READY ] && echo ready
}

# Listening TCP ports with process id and name, and `kubernetes` or `docker` where the process is in a container of theirs.
# By ss, as the kernel looks through all its connections to write its own files.
probe_ports() {
    {
        if command -v ss >/dev/null; then ss -ltne; else cat /proc/net/tcp /proc/net/tcp6; fi
        timeout $COMMAND find /proc/[0-9]*/fd -lname 'socket:*' -printf '%h %l\n'
    } | awk '
        function decimal(hex, i, n) {
            for (i = 1; i <= length(hex); i++) n = n * 16 + index("0123456789ABCDEF", substr(hex, i, 1)) - 1
            return n
        }
        function group(file, line, found) {
            found = "-"
            while ((getline line <file) > 0)
                if (line ~ /kubepods/) found = "kubernetes"
                else if (line ~ /docker/ && found == "-") found = "docker"
            close(file)
            return found
        }
        function first(file, line) {
            getline line <file
            close(file)
            return line
        }
        $4 == "0A" { split($2, a, ":"); port[$10] = decimal(a[2]) }
        match($0, / ino:[0-9]+/) {
            inode = substr($0, RSTART + 5, RLENGTH - 5)
            for (i = 1; $i !~ /:[0-9]+$/; i++) {}
            sub(/.*:/, "", $i)
            port[inode] = $i
        }
        $2 ~ /^socket:/ {
            gsub(/[^0-9]/, "", $2)
            if ($2 in port) { n = split($1, path, "/"); owner[port[$2]] = path[n - 1] }
        }
        END {
            for (i in port) listening[port[i]]
            for (i in listening)
                if (i in owner) print i, owner[i], group("/proc/" owner[i] "/cgroup"), first("/proc/" owner[i] "/comm")
                else print i, "- - "
        }'
}

probe_package_lock() {
    holder=$(lock_holder)
    waited=0
    while [ -n "$holder" ] && [ $waited -lt "$LOCK_WAIT" ]; do
        sleep 1
        waited=$((waited + 1))
        holder=$(lock_holder)
    done
    echo "$waited $holder"
}

# Packages that need no package source any more, and those that docker-ce comes in place of, with their versions.
# And those that dpkg has not finished with: its database is read once.
probe_packages() {
    dpkg-query -W -f '${db:Status-Status} ${Package} ${Version}\n' | awk -v asked=" $PACKAGES " '
        $1 == "installed" && index(asked, " " $2 " ") { print $2, $3 }
        /^(half|unpacked|triggers)/ { unfinished = unfinished $1 " " $2 "\n" }
        END { print "\n@@@ unfinished\n" unfinished }'
}
probe_kubelet() { command -v kubelet; }
probe_age() { command -v age; }
probe_node() { [ -e /etc/kubernetes/kubelet.conf ] && echo yes; }
probe_account() { id -u -- "$ACCOUNT"; }
probe_firewall() { command -v ufw >/dev/null && timeout $COMMAND ufw status verbose; }
probe_runtime() { command -v nvidia-container-runtime; }

# What brings a container runtime or a Kubernetes of its own.
probe_rivals() {
    for program in crio k3s rke2 microk8s; do
        command -v $program >/dev/null && echo $program
    done
    [ -d /snap/docker ] && echo docker-snap
}

# Each other host and each proxy: its address and `ok`, or why not (reach.pl); one that does not answer has no line.
probe_peers() { [ -z "$PEERS" ] || timeout $CONNECT perl -e "$REACH" $PEERS; }

# What the probe $1 says, in a file of its own, and beside it whether it has come to its end.
answer() {
    {
        printf '@@@ %s\n' "$1"
        "probe_$1"
        echo
    } >"$dir/$1"
    : >"$dir/$1.done"
}

snapshot() {
    dir=$(mktemp -d -p /dev/shm || mktemp -d) || return
    trap 'rm -rf "$dir"' EXIT
    late=no
    trap 'late=yes' ALRM

    # The first ones ask what is in memory, where nothing hangs: a process for all of them.
    quick="os kernel name cpus memory swaps machine_id systemd cgroup controllers links storage kubelet age node runtime rivals"
    slow="resolves initramfs addresses space ports package_lock account firewall peers sources $BUNDLED"
    probes="$quick packages urls $slow"
    for probe in $quick; do answer $probe; done &
    pids=$!
    { answer packages && answer urls; } &
    pids="$pids $!"
    for probe in $slow; do
        answer $probe &
        pids="$pids $!"
    done

    {
        trap 'kill $nap' TERM
        sleep $LIMIT >/dev/null &
        nap=$!
        wait $nap && kill -ALRM $$
    } >/dev/null &
    watchdog=$!
    wait $pids
    [ $late = yes ] && kill $pids
    kill $watchdog

    answered=
    for probe in $probes; do
        if [ -e "$dir/$probe.done" ]; then
            answered="$answered $dir/$probe"
        else
            printf '@@@ late\n%s\n' $probe
        fi
    done
    cat $answered
    printf '@@@ end\n'
    date +%s%3N
}

snapshot </dev/null 2>/dev/null
exit 0
