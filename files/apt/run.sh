# shellcheck shell=dash
# Run the command $2... of apt's, once nobody holds a lock of apt or dpkg (waited for, $1 seconds) and what an interrupted
# dpkg has left is finished. Another program may be faster: then it is waited for as well. Before this text comes locks.sh.
set -u
seconds=$1
shift
export DEBIAN_FRONTEND=noninteractive

finished() {
    dpkg --force-confdef --force-confold --configure -a && return
    broken=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' | sed -nE 's/^(half|unpacked|triggers)[^ ]* //p' | tr '\n' ' ')
    echo "dpkg cannot finish what was left half done (${broken% }): see above; mend or remove it, then run again" >&2
    return 1
}

wait_for_locks "$seconds"
until finished && "$@"; do
    status=$?
    [ -n "$(lock_holder)" ] || exit $status
    wait_for_locks "$seconds"
done
