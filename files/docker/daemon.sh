# shellcheck shell=dash disable=SC2086
# What dockerd runs with, what its files say, and what it carries. $1 its daemon.json, $2 this project's note of what it
# was last seen to run with, $3 where its drop-ins are, $4 a program that tells the time and the uptime.
# Each start of Docker's programs takes a host some 30 ms of processor time: none is asked for what is known without it.
export LC_ALL=C
unit=$(systemctl show docker.service -p LoadState,ActiveState,UnitFileState,InvocationID,NeedDaemonReload \
    -p ExecMainStartTimestampMonotonic,ExecStart,MainPID,FragmentPath,DropInPaths 2>/dev/null)
main='' fragment='' drop_ins=''
while IFS='=' read -r key value; do
    case $key in MainPID) main=$value ;; FragmentPath) fragment=$value ;; DropInPaths) drop_ins=$value ;; esac
done <<END
$unit
END
# Those that systemd has not read.
unread=$(for file in "$3"/*.conf; do
    case " $drop_ins " in *" $file "*) ;; *) [ ! -e "$file" ] || echo "$file" ;; esac
done)
units="$drop_ins $unread"
case $units in *.conf*.conf*) # in systemd's order, by name
    units=$(printf '%s\n' $units | sed -n 's|.*/\(..*\)|\1 &|p' | sort | cut -d' ' -f2-)
    ;;
esac
units="$fragment $units"
info=$(timeout 20 docker info --format '{{json .}}' 2>/dev/null)

# `running` where the program on the disk is the one that runs and has answered.
version() {
    case $info in *'"ServerVersion":"'[0-9]*)
        if [ "/proc/$main/exe" -ef "$(command -v dockerd)" ]; then echo running && return; fi
        ;;
    esac
    dockerd --version
}
containers() {
    case $info in *'"Containers":0,'*) ;; *) timeout 20 docker ps --format '{{.ID}} {{.Names}}' ;; esac
}
stored() {
    for container in /var/lib/docker/containers/*; do
        [ ! -e "$container" ] || { echo "$container" && return; }
    done
}

section version version
section unit printf '%s\n' "$unit"
section unread printf %s "$unread"
section clock in_shell "$4"
section file cat "$1"
section ctimes stat -c '%n %.Z' "$1" $units
section units cat $units </dev/null
section applied cat "$2"
section info printf '%s\n' "$info"
section containers containers
section stored stored
