# shellcheck shell=dash
# Read by sh from standard input, with a line `answer COMMAND` for each command appended. Of each: a line with its exit
# status and the sizes of its two outputs in bytes, then both outputs as they are. The files are new ones for each command:
# what one leaves running in the background goes on writing to its own.
kept=$(mktemp -d) || exit 1
trap 'rm -rf "$kept"' EXIT
trap 'exit 1' HUP INT TERM
answer() {
    rm -f "$kept/out" "$kept/err"
    (eval "$1") </dev/null >"$kept/out" 2>"$kept/err"
    printf '@@@ %d %d %d\n' $? "$(wc -c <"$kept/out")" "$(wc -c <"$kept/err")"
    cat "$kept/out" "$kept/err"
}
