# shellcheck shell=dash disable=SC2086
# What dockerd runs with, what its files say, and what it carries. $1 its daemon.json, $2 this project's note of what it
# was last seen to run with.
units=$(systemctl show docker.service -p FragmentPath,DropInPaths --value 2>/dev/null)
section version dockerd --version
section unit systemctl show docker.service -p LoadState,ActiveState,UnitFileState,InvocationID,NeedDaemonReload \
    -p ExecMainStartTimestampMonotonic,ExecStart
section clock sh -c "date +%s.%N; cut -d' ' -f1 /proc/uptime"
section file cat "$1"
section ctimes stat -c '%n %.Z' "$1" $units
section units cat $units </dev/null
section applied cat "$2"
section info timeout 20 docker info --format '{{json .}}'
section containers timeout 20 docker ps --format '{{.ID}} {{.Names}}'
section stored find /var/lib/docker/containers -mindepth 1 -maxdepth 1 -print -quit
