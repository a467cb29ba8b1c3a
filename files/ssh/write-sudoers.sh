# shellcheck shell=dash
# The line $2 as the drop-in $1 of sudo, once visudo takes it. sudo ignores files with a dot in their name, so one that is
# half-written never counts.
set -eu
umask 337
rm -f "$1.new"
trap 'rm -f "$1.new"' EXIT
printf '%s\n' "$2" >"$1.new"
visudo -cqf "$1.new"
mv -f "$1.new" "$1"
