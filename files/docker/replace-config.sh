# shellcheck shell=dash
# $1.new becomes dockerd's configuration file $1, if dockerd takes it: it can say so from 23.0 on. With a $2 of `keep` the
# file that is there is kept as $1.previous.
set -eu
trap 'rm -f "$1.new"' EXIT
if dockerd --help 2>/dev/null | grep -q -- --validate; then dockerd --validate --config-file "$1.new"; fi
[ "$2" != keep ] || cp -p "$1" "$1.previous"
chmod 644 "$1.new"
mv -f "$1.new" "$1"
