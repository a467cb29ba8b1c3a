#!/bin/dash
# In the place of `sh` on a lab host while a run that changes nothing takes place: every `sh -c TEXT` is noted, with its
# two outputs and its exit status, in a folder of its own. Nothing else is touched, nor is a shell that reads commands.
# What is said goes on at once, as of a program that is held open; errors follow at the end.
if [ $# != 2 ] || [ "$1" != -c ] || [ "$2" = sh ]; then exec /bin/dash "$@"; fi
folder=$(mktemp -d /var/tmp/recorded/XXXXXXXX)
printf %s "$2" >"$folder/command"
{
    /bin/dash -c "$2" 2>"$folder/stderr"
    echo $? >"$folder/status"
} | tee "$folder/stdout"
cat "$folder/stderr" >&2
exit "$(cat "$folder/status")"
