# shellcheck shell=dash
# The shell text $5 in the unit $1, as the user $2 with the home $3, unless that unit runs already; its log in the folder
# $4 is shown until it ends, and its status there tells how. The unit outlives the SSH session.
unit=$1 user=$2 home=$3 log=$4/kubespray.log status=$4/kubespray.status
if ! systemctl is-active -q "$unit"; then
    rm -f "$status"
    systemctl reset-failed "$unit" 2>/dev/null
    install -m 600 -o "$user" /dev/null "$log" &&
        systemd-run --quiet --collect --unit="$unit" --uid="$user" --setenv=HOME="$home" \
            --setenv=ANSIBLE_FORCE_COLOR=0 sh -c "$5" || exit
fi
pid=$(systemctl show "$unit" -p MainPID --value)
[ "${pid:-0}" = 0 ] || tail -n +1 --pid="$pid" -f "$log"
while systemctl is-active -q "$unit"; do sleep 1; done
if [ "$(cat "$status")" != 0 ]; then
    echo "kubespray failed; its log: $log" >&2
    exit 1
fi
