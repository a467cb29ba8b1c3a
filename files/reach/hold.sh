#!/bin/sh
# Hold the lock $1 for the run whose id is $2 until standard input ends, which it does with the run's connection.
# The first line of standard input says whose run it is. Says `held`, or `taken by` and the other run's line.
lock=$1 id=$2
umask 077
mkdir -p "${lock%/*}" || exit 2
exec 9>>"$lock" || exit 2
if ! flock -n 9; then
    # A connection of our own that was given up may take a moment to end.
    if ! { grep -qF -- "$id" "$lock" && flock -w 10 9; }; then
        echo "taken by $(cat -- "$lock")"
        exit 1
    fi
fi
IFS= read -r whose || exit 2
printf '%s\n' "$whose" >"$lock"
echo held
cat >/dev/null
