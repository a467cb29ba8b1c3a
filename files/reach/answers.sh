# shellcheck shell=dash
# Read by sh from standard input, with a line `answer COMMAND` for each command appended, and `answered` after those that
# are asked together. Of each: a line with its exit status and the sizes of its two outputs in bytes, then both outputs as
# they are. The files are new ones for each command: what one leaves running in the background goes on writing to its own.
# They are in memory where it can be had: a host whose disk is full is asked about it. Where they have no room either, the
# output is cut off, and to say so is to end.
kept=$(mktemp -d -p "${TMPDIR:-/dev/shm}" 2>/dev/null || mktemp -d) || exit 1
trap 'rm -rf "$kept"' EXIT
trap 'exit 1' HUP INT TERM PIPE
asked=0
answer() {
    asked=$((asked + 1))
    (eval "$1") </dev/null >"$kept/$asked.out" 2>"$kept/$asked.err"
    set -- $?
    { printf . >"$kept/$asked.room"; } 2>/dev/null || exit 1
    # shellcheck disable=SC2046 # two numbers
    set -- "$1" $(stat -c %s "$kept/$asked.out" "$kept/$asked.err")
    printf '@@@ %d %d %d\n' "$1" "$2" "$3"
    [ "$2$3" = 00 ] || cat "$kept/$asked.out" "$kept/$asked.err"
}
answered() { rm -f "$kept"/*.*; }
