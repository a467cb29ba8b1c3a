# shellcheck shell=dash disable=SC2086
# What dockerd runs with, what its files say, and what it carries. $1 its daemon.json, $2 this project's note of what it
# was last seen to run with, $3 where its drop-ins are.
show() { systemctl show docker.service -p "$1" --value 2>/dev/null; }
drop_ins=$(show DropInPaths)
# Those that systemd has not read.
unread=$(for file in "$3"/*.conf; do
    case " $drop_ins " in *" $file "*) ;; *) [ ! -e "$file" ] || echo "$file" ;; esac
done)
# In systemd's order, by name.
units="$(show FragmentPath) $(printf '%s\n' $drop_ins $unread | sed -n 's|.*/\(..*\)|\1 &|p' |
    LC_ALL=C sort | cut -d' ' -f2-)"
section version dockerd --version
section unit systemctl show docker.service -p LoadState,ActiveState,UnitFileState,InvocationID,NeedDaemonReload \
    -p ExecMainStartTimestampMonotonic,ExecStart
section unread printf %s "$unread"
section clock sh -c "date +%s.%N; cut -d' ' -f1 /proc/uptime"
section file cat "$1"
section ctimes stat -c '%n %.Z' "$1" $units
section units cat $units </dev/null
section applied cat "$2"
section info timeout 20 docker info --format '{{json .}}'
section containers timeout 20 docker ps --format '{{.ID}} {{.Names}}'
section stored find /var/lib/docker/containers -mindepth 1 -maxdepth 1 -print -quit
