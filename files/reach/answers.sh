# shellcheck shell=dash
# Read by sh from standard input, with a line `answer COMMAND` for each command appended. Of each: a line with its exit
# status and the sizes of its two outputs in bytes, then both outputs as they are. The files are new ones for each command:
# what one leaves running in the background goes on writing to its own. They are in memory where it can be had: a host whose
# disk is full is asked about it. Where they have no room either, the output is cut off, and to say so is to end.
kept=$(mktemp -d -p "${TMPDIR:-/dev/shm}" 2>/dev/null || mktemp -d) || exit 1
trap 'rm -rf "$kept"' EXIT
trap 'exit 1' HUP INT TERM PIPE
answer() {
    rm -f "$kept/out" "$kept/err" "$kept/room"
    (eval "$1") </dev/null >"$kept/out" 2>"$kept/err"
    set -- $?
    { printf . >"$kept/room"; } 2>/dev/null || exit 1
    printf '@@@ %d %d %d\n' "$1" "$(wc -c <"$kept/out")" "$(wc -c <"$kept/err")"
    cat "$kept/out" "$kept/err"
}
