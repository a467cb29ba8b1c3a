#!/bin/dash
# In the place of `sh` on a lab host while a run that changes nothing takes place: every `sh -c TEXT` is noted, with its
# two outputs and its exit status, in a folder of its own. Nothing else is touched, nor is a shell that reads commands.
if [ $# != 2 ] || [ "$1" != -c ] || [ "$2" = sh ]; then exec /bin/dash "$@"; fi
folder=$(mktemp -d /var/tmp/recorded/XXXXXXXX)
printf %s "$2" >"$folder/command"
/bin/dash -c "$2" >"$folder/stdout" 2>"$folder/stderr"
status=$?
echo $status >"$folder/status"
cat "$folder/stdout"
cat "$folder/stderr" >&2
exit $status
