# shellcheck shell=dash disable=SC2086,SC2317
# Everything that preflight reads from a host, in one command: POSIX sh, read from standard input by `sh -s`.
# Before this text come locks.sh, manifest.sh and, from tasks/preflight/facts.py:
#   PEERS      ADDRESS:PORT of every other host, separated by spaces
#   URLS       one a line: ID, how to ask, proxy or `-`, URL; in it @id@ and @codename@ are the release's. Asked are
#              `apt` and `http` for a file, `image` and `image-login` for an image's manifest (manifest.sh)
#   FOLDERS    folders whose room is asked for, separated by spaces
#   ACCOUNT    the config's user
#   APT_PROXY  apt's settings of the proxy, as the deploy will write them
#   PACKAGES   names of packages whose versions are asked for, separated by spaces
#   LOCK_WAIT  seconds to wait for a held package lock
#   BUNDLED    names of further probes, the commands of other facts, each a function probe_NAME
# Every probe runs at once with the others and writes a file of its own; one that fails leaves its file empty, one that
# hangs (a GPU, a dead mount) is left behind at the limit and named under `late`. Nothing on the host is changed.

LC_ALL=C
PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL PATH

# Seconds: for one command, for one connection, and for all probes together.
COMMAND=10
CONNECT=8
LIMIT=$((LOCK_WAIT + 70))

probe_os() { cat /etc/os-release; }
probe_kernel() { uname -r; uname -m; }
probe_name() { uname -n; }
# sudo looks its own host up, and waits for a name server that does not know it.
probe_resolves() { timeout $CONNECT getent hosts "$(uname -n)"; }
probe_cpus() { getconf _NPROCESSORS_ONLN; }
probe_memory() { grep MemTotal: /proc/meminfo; }
probe_swaps() { tail -n +2 /proc/swaps; }
probe_machine_id() { cat /etc/machine-id; }
probe_systemd() { [ -d /run/systemd/system ] && echo running; }
probe_cgroup() {
    for at in /sys/fs/cgroup /sys/fs/cgroup/unified; do
        [ -d $at ] && stat -fc %T $at
    done
}

# The controllers that kubeadm's first check counts: those of v2, else those that the kernel has enabled for v1.
probe_controllers() {
    if [ "$(stat -fc %T /sys/fs/cgroup)" = cgroup2fs ]; then cat /sys/fs/cgroup/cgroup.controllers
    else awk '!/^#/ && $4 != 0 { print $1 }' /proc/cgroups; fi
}
# The bytes of the largest initramfs: one more of them is written beside it before it is replaced.
probe_initramfs() { stat -Lc %s /boot/initrd.img-* | sort -n | tail -n 1; }

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
        echo "${link##*/} $(cat "$link/address")"
    done
}

# Free and total kilobytes where a folder is, or will be made.
probe_space() {
    for folder in $FOLDERS; do
        at=$folder
        until [ -d "$at" ]; do at=$(dirname "$at"); done
        timeout $COMMAND df -Pk "$at" | awk -v folder="$folder" 'NR == 2 { print folder, $4, $2 }'
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
probe_ports() {
    {
        awk '$4 == "0A" { split($2, a, ":"); print "port", a[2], $10 }' /proc/net/tcp /proc/net/tcp6
        timeout $COMMAND find /proc/[0-9]*/fd -lname 'socket:*' -printf '%h %l\n'
    } | awk '
        function decimal(hex, i, n) {
            for (i = 1; i <= length(hex); i++) n = n * 16 + index("0123456789ABCDEF", substr(hex, i, 1)) - 1
            return n
        }
        $1 == "port" { port[$3] = decimal($2); next }
        { gsub(/[^0-9]/, "", $2); if ($2 in port) { split($1, p, "/"); owner[$2] = p[3] } }
        END { for (i in port) print port[i], (i in owner) ? owner[i] : "-" }' | sort -nu |
        while read -r port pid; do
            group=-
            grep -q docker "/proc/$pid/cgroup" && group=docker
            grep -q kubepods "/proc/$pid/cgroup" && group=kubernetes
            echo "$port $pid $group $(cat "/proc/$pid/comm")"
        done
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
probe_packages() {
    dpkg-query -W -f '${db:Status-Status} ${Package} ${Version}\n' $PACKAGES | sed -n 's/^installed //p'
}
# Packages that dpkg has not finished with.
probe_unfinished() {
    dpkg-query -W -f '${db:Status-Status} ${Package}\n' | grep -E '^(half|unpacked|triggers)'
}
probe_kubelet() { command -v kubelet; }
probe_age() { command -v age; }
probe_node() { ls /etc/kubernetes/kubelet.conf; }
probe_account() { id -u -- "$ACCOUNT"; }
probe_firewall() { timeout $COMMAND ufw status verbose; }
probe_runtime() { command -v nvidia-container-runtime; }

# What brings a container runtime or a Kubernetes of its own.
probe_rivals() {
    for program in crio k3s rke2 microk8s; do
        command -v $program >/dev/null && echo $program
    done
    [ -d /snap/docker ] && echo docker-snap
}

# Each other host: its address and `ok`, or why not; one that does not answer has no line.
probe_peers() {
    [ -n "$PEERS" ] || return
    # shellcheck disable=SC2016
    timeout $CONNECT bash -c '
        for peer; do
            {
                why=$( { exec 3<>"/dev/tcp/${peer%:*}/${peer#*:}"; } 2>&1 ) && echo "$peer ok" || echo "$peer ${why##*: }"
            } &
        done
        wait' bash $PEERS
}

# ID, the HTTP status (000: none), and what went wrong. apt's sources are fetched by apt itself, so that its own proxy
# settings count; the proxy travels by the environment because it may hold a password.
url() {
    [ "$3" = - ] || export http_proxy="$3" https_proxy="$3"
    trusted=yes with_curl='' with_wget=''
    if [ ! -e /etc/ssl/certs/ca-certificates.crt ]; then # the deploy brings them
        trusted=no with_curl=--insecure with_wget=--no-check-certificate
    fi
    if [ "$2" = http ] && command -v curl >/dev/null; then
        said=$(curl -q -sS $with_curl -m $CONNECT -o /dev/null -w '\n%{http_code}' "$4" 2>&1)
        status=$(echo "$said" | tail -n 1)
        said=$(echo "$said" | sed -n 's/^curl: ([0-9]*) //p')
    elif [ "$2" = http ] && command -v wget >/dev/null; then
        said=$(wget -nv -S $with_wget -T $CONNECT -t 1 --max-redirect 0 -O /dev/null "$4" 2>&1)
        status=$(echo "$said" | sed -n 's/^ *HTTP[^ ]* \([0-9]\{3\}\).*/\1/p' | tail -n 1)
        said=$(echo "$said" | tail -n 1)
    else
        through=
        [ "$3" = - ] || through="-o Acquire::http::Proxy=$3 -o Acquire::https::Proxy=$3"
        said=$(timeout $CONNECT /usr/lib/apt/apt-helper -o Acquire::Retries=0 -o Acquire::AllowRedirect=false \
            -o Acquire::https::Verify-Peer=$trusted -o APT::Sandbox::User=root $through \
            download-file "$4" "$(mktemp -u -p "$dir")" 2>&1)
        code=$?
        status=$(echo "$said" | sed -n 's/^[EW]: .*  \([0-9]\{3\}\)  .*/\1/p' | head -n 1)
        [ $code = 0 ] && status=200
        said=$(echo "$said" | sed -n 's/^[EW]: \(Failed to fetch [^ ]* *\)*//p' | head -n 1)
    fi
    printf '%s %s %.200s\n' "$1" "${status:-000}" "$said"
}

probe_urls() {
    # shellcheck source=/dev/null
    . /etc/os-release
    echo "$URLS" | sed "s|@id@|$ID|; s|@codename@|$VERSION_CODENAME|" | {
        while read -r id by proxy address; do
            case $by in
            image*) manifest "$id" "$by" "$proxy" "$address" & ;;
            ?*) url "$id" "$by" "$proxy" "$address" & ;;
            esac
        done
        wait
    }
}

# Every package source, also one that was never fetched: its place, URL, and what url() says of it. Older vendors sign a
# Release file beside InRelease.
probe_sources() {
    # Its view of the packages stays in memory, on disk it would be a change to the host; and it is of no packages, as
    # reading their lists takes a third of a second and only the sources are asked for.
    mkdir "$dir/lists"
    printf '%s\nDir::Cache::pkgcache "";\nDir::Cache::srcpkgcache "";\nDir::State::Lists "%s";\nDir::State::status "/dev/null";\n' \
        "$APT_PROXY" "$dir/lists" >"$dir/apt.conf"
    export APT_CONFIG="$dir/apt.conf"
    # shellcheck disable=SC2016 # apt's own names
    apt-get indextargets --no-release-info --format '$(SOURCESENTRY) $(BASE_URI)' | sed 's|//[^/@ ]*@|//|' | sort -u |
        grep ' http' >"$dir/places"
    # In one process where all is well; else each by itself, for who is at fault.
    indexes=$(awk -v to="$dir/index" '{ print $2 "InRelease", to NR }' "$dir/places")
    if timeout $CONNECT /usr/lib/apt/apt-helper -o Acquire::Retries=0 -o Acquire::AllowRedirect=false \
        -o APT::Sandbox::User=root download-file $indexes >/dev/null 2>&1; then
        sed 's/$/ 200 /' "$dir/places"
        return
    fi
    while read -r place base; do
        {
            said=$(url - apt - "${base}InRelease")
            case $said in *' 404 '*) said=$(url - apt - "${base}Release") ;; esac
            echo "$place $base ${said#* }"
        } &
    done <"$dir/places"
    wait
}

snapshot() {
    dir=$(mktemp -d -p /dev/shm || mktemp -d) || return
    trap 'rm -rf "$dir"' EXIT
    late=no
    trap 'late=yes' ALRM

    probes="os kernel name resolves cpus memory swaps machine_id systemd cgroup controllers initramfs addresses links space
        storage ports package_lock packages unfinished kubelet age node account firewall runtime rivals peers urls sources $BUNDLED"
    pids=
    for probe in $probes; do
        {
            {
                printf '@@@ %s\n' $probe
                probe_$probe
                echo
            } >"$dir/$probe"
            : >"$dir/$probe.done"
        } &
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
