# shellcheck shell=dash
# Read by sh from standard input, with a line `answer COMMAND` for each command appended, and `answered` after those that
# are asked together. Of each of them, in order, a line with its exit status and the sizes of its two outputs in bytes; then
# all outputs as they are. The files are new ones for each command: what one leaves running in the background goes on
# writing to its own. They are in memory where it can be had: a host whose disk is full is asked about it. Where they have no
# room either, the output is cut off, and to say so is to end.
kept=$(mktemp -d -p "${TMPDIR:-/dev/shm}" 2>/dev/null || mktemp -d) || exit 1
trap 'rm -rf "$kept"' EXIT
trap 'exit 1' HUP INT TERM PIPE
statuses='' number=0
answer() {
    number=$((number + 1))
    (eval "$1") </dev/null >"$kept/$number.out" 2>"$kept/$number.err"
    statuses="$statuses $?"
    { printf . >"$kept/$number.room"; } 2>/dev/null || exit 1
}
# One process for the sizes of all, one for what they said, one to remove it.
answered() {
    set --
    at=0
    while [ $at -lt $number ]; do
        at=$((at + 1))
        set -- "$@" "$kept/$at.out" "$kept/$at.err"
    done
    stat -c %s "$@" | for status in $statuses; do
        read -r out && read -r err && printf '@@@ %d %d %d\n' "$status" "$out" "$err"
    done
    cat "$@"
    rm -f "$kept"/*.*
    statuses='' number=0
}
