# shellcheck shell=dash
# The lines $3 at the end of the file $1 of the user $2: written beside and renamed, so that a run that is killed locks
# nobody out.
set -eu
group=$(id -gn -- "$2")
folder=$(dirname "$1")
[ -d "$folder" ] || install -d -m 700 -o "$2" -g "$group" "$folder"
new=''
trap 'rm -f "$new"' EXIT
trap 'exit 1' HUP INT TERM PIPE # without which a signal leaves it there
new=$(mktemp "$1.XXXXXXXX")
if [ -e "$1" ]; then
    cat "$1" >"$new"
    [ -z "$(tail -c 1 "$1")" ] || echo >>"$new"
fi
printf '%s\n' "$3" >>"$new"
chmod 600 "$new"
chown "$2:$group" "$new"
mv -fT "$new" "$1"
